// The OpenAPI 3.1 document of a listener, made from the tables that the server itself reads: routes
// (http_route.h) and fields of bodies (http_body.h). The schemas of answers are in openapi.cc.
#pragma once
#include <string>
#include <string_view>

#include "command/http_api.h"

namespace command {

std::string openapi_document(Listener listener, std::string_view version);

}  // namespace command
