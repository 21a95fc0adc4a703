// The queues' part of the OpenAPI document: bodies that are more than a record of fields, and what
// stands behind the `?`.
#pragma once
#include <boost/json.hpp>

#include "command/http_route.h"

namespace command {

boost::json::object queue_field_schema(const BodyField& field);
boost::json::object messages_schema(boost::json::object message);  // One, or a list of them.
boost::json::object settings_schema();                             // From queue_options().
boost::json::array query_parameters(uint8_t fields);

extern const std::string_view kOpenApiQueueSchemas;

}  // namespace command
