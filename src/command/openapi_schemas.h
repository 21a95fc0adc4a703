// The schemas of what bodies and answers are made of, as one JSON object (JSON Schema 2020-12).
#pragma once
#include <string_view>

namespace command {

extern const std::string_view kOpenApiSchemas;

}  // namespace command
