#include "command/openapi.h"

#include <boost/json.hpp>

#include "command/http_route.h"
#include "command/openapi_queue.h"
#include "command/openapi_schemas.h"

namespace command {
namespace {

namespace json = boost::json;
using json::array;
using json::object;
using Type = BodyField::Type;

json::string text(std::string_view s) { return json::string(s.data(), s.size()); }

object reference(std::string_view kind, std::string_view name) {
  std::string target = "#/components/";
  target.append(kind).append("/").append(name);
  return {{"$ref", text(target)}};
}

object schema_of(const BodyField& field) {
  switch (field.type) {
    case Type::kText:
    case Type::kBase64:
    case Type::kTexts:
    case Type::kHeaders:
    case Type::kMessages:
      return queue_field_schema(field);
    case Type::kTruth:
      return {{"type", "boolean"}, {"default", false}, {"description", text(field.text)}};
    case Type::kInteger:
      return {{"type", "integer"},
              {"minimum", field.min},
              {"maximum", field.max},
              {"description", text(field.text)}};
    case Type::kDescriptor:
      return reference("schemas", "Descriptor");
    case Type::kDescriptors:
      return {{"type", "array"},
              {"minItems", 1},
              {"maxItems", limiter::kDescriptorsMax},
              {"items", reference("schemas", "Descriptor")},
              {"description", text(field.text)}};
  }
  return {};
}

object record_schema(const BodyShape& shape) {
  object properties;
  array required;
  for (const BodyField& field : body_fields()) {
    if ((shape.fields & field.bit) != 0) properties[text(field.name)] = schema_of(field);
    if ((shape.required & field.bit) != 0) required.push_back(text(field.name));
  }
  object schema = {{"type", "object"}, {"additionalProperties", false}};
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

object content(std::string_view type, json::value schema) {
  object media;
  media["schema"] = std::move(schema);
  object by_type;
  by_type[text(type)] = std::move(media);
  return by_type;
}

object request_body(const BodyShape& shape) {
  object schema = record_schema(shape);
  if (shape.kind == BodyShape::Kind::kMessages) schema = messages_schema(std::move(schema));
  if (shape.kind == BodyShape::Kind::kSettings) schema = settings_schema();
  if (shape.kind == BodyShape::Kind::kRecords) {
    schema = {{"type", "array"}, {"maxItems", kChecksMax}, {"items", std::move(schema)}};
  }
  return {{"required", shape.kind != BodyShape::Kind::kRecordOrNothing},
          {"content", content("application/json", std::move(schema))}};
}

object success_answer(const Route& route) {
  object answer = {{"description", text(route.success.text)}};
  if (route.success.schema.empty()) return answer;
  if (route.success.schema == "text") {
    answer["content"] = content("text/plain", object{{"type", "string"}});
    return answer;
  }
  answer["content"] = content("application/json", reference("schemas", route.success.schema));
  if (route.success.schema == "Decision") {
    answer["headers"] = {{"RateLimit", reference("headers", "RateLimit")},
                         {"RateLimit-Policy", reference("headers", "RateLimit-Policy")}};
  }
  if (route.success.status == 201)
    answer["headers"] = {{"Location", reference("headers", "Location")}};
  return answer;
}

std::string_view text_of_problem(int status) {
  switch (status) {
    case 400:
      return "The body is no JSON, or the path is badly encoded.";
    case 403:
      return "A foreign Host, a cross-site page, or no right to do this.";
    case 404:
      return "There is no such domain, queue or id, or its time is over.";
    case 413:
      return "The body is too large.";
    case 415:
      return "The body is no application/json.";
    case 422:
      return "A field is unknown, missing, or out of its bounds; `field` names it.";
    case 429:
      return "Over a limit.";
    case 503:
      return "Stopping, or not ready.";
    case 500:
      return "The world failed, or nobody knows whether it happened.";
    default:
      return "A bound of the server was reached.";
  }
}

object problem_answer_schema(const Route& route, int status) {
  object answer = {{"description", text(text_of_problem(status))}};
  object types = content("application/problem+json", reference("schemas", "Problem"));
  if (status == 429) {
    answer["headers"] = {{"Retry-After", reference("headers", "Retry-After")},
                         {"RateLimit", reference("headers", "RateLimit")},
                         {"RateLimit-Policy", reference("headers", "RateLimit-Policy")}};
    if (!route.refusal_schema.empty()) {
      types.insert(
          *content("application/json", reference("schemas", route.refusal_schema)).begin());
    }
  }
  answer["content"] = std::move(types);
  return answer;
}

object operation(const Route& route) {
  object answers;
  answers[std::to_string(route.success.status)] = success_answer(route);
  for (const int status : route.problems) {
    answers[std::to_string(status)] = problem_answer_schema(route, status);
  }
  object operation = {{"operationId", text(route.name)}, {"summary", text(route.text)}};
  if (route.shape.kind != BodyShape::Kind::kNone)
    operation["requestBody"] = request_body(route.shape);
  if (route.query != 0) operation["parameters"] = query_parameters(route.query);
  operation["responses"] = std::move(answers);
  return operation;
}

object parameter_of(std::string_view path) {
  const size_t open = path.find('{') + 1;
  object schema = {{"type", "string"}, {"minLength", 1}};
  if (path.starts_with("/v1/queues/")) schema["pattern"] = "^[^\\u0000-\\u001f\\u007f]{1,200}$";
  return {{"name", text(path.substr(open, path.find('}') - open))},
          {"in", "path"},
          {"required", true},
          {"schema", std::move(schema)}};
}

object paths_of(Listener listener) {
  const uint8_t here = listener == Listener::kApi ? kOnApi : kOnLimiter;
  object paths;
  for (const Route& route : routes()) {
    if ((route.listeners & here) == 0) continue;
    json::value& path = paths[text(route.path)];
    if (path.is_null()) path.emplace_object();
    if (route.path.find('{') != std::string_view::npos) {
      path.as_object()["parameters"] = array{parameter_of(route.path)};
    }
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    path.as_object()[method] = operation(route);
  }
  return paths;
}

object header(std::string_view description) {
  return {{"description", text(description)}, {"schema", {{"type", "string"}}}};
}

object components(Listener listener) {
  object headers;
  headers["Retry-After"] =
      header("Whole seconds, never early; absent where the cost can never fit.");
  headers["RateLimit"] = header("What remains of each limit: \"name\";r=units;t=seconds to more.");
  headers["RateLimit-Policy"] = header("Each limit that was met: \"name\";q=units;w=seconds.");
  headers["Location"] = header("The path of what was made.");
  object components;
  object schemas = json::parse({kOpenApiSchemas.data(), kOpenApiSchemas.size()}).as_object();
  if (listener == Listener::kApi) {
    const object more =
        json::parse({kOpenApiQueueSchemas.data(), kOpenApiQueueSchemas.size()}).as_object();
    schemas.insert(more.begin(), more.end());
  }
  components["schemas"] = std::move(schemas);
  components["headers"] = std::move(headers);
  return components;
}

}  // namespace

std::string openapi_document(Listener listener, std::string_view version) {
  object document;
  document["openapi"] = "3.1.0";
  document["info"] = {{"title", "RateLimMQ"},
                      {"version", text(version)},
                      {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}};
  document["paths"] = paths_of(listener);
  document["components"] = components(listener);
  return json::serialize(document);
}

}  // namespace command
