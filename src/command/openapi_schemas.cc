#include "command/openapi_schemas.h"

namespace command {

const std::string_view kOpenApiSchemas = R"json({
"Descriptor": {
  "description": "An ordered path of entries: a list of [key, value] pairs, or Envoy's form.",
  "oneOf": [{"$ref": "#/components/schemas/Pairs"}, {"$ref": "#/components/schemas/Entries"}]},
"Pairs": {
  "type": "array", "minItems": 1, "maxItems": 16,
  "items": {
    "type": "array", "minItems": 2, "maxItems": 2,
    "prefixItems": [{"type": "string", "minLength": 1}, {"type": "string"}],
    "items": {"type": "string"}},
  "example": [["tenant", "acme"], ["path", "/x"]]},
"Entries": {
  "type": "object", "required": ["entries"], "additionalProperties": false,
  "properties": {"entries": {
    "type": "array", "minItems": 1, "maxItems": 16,
    "items": {
      "type": "object", "required": ["key", "value"], "additionalProperties": false,
      "properties": {
        "key": {"type": "string", "minLength": 1},
        "value": {"type": "string"}}}}}},
"Decision": {
  "type": "object", "additionalProperties": false,
  "description": "The numbers are those of limited_by, else of the limit with the least share left; null where no limit matches.",
  "required": ["allowed", "limited_by", "limit", "remaining", "retry_after_ms", "reset_after_ms",
               "decided_by"],
  "properties": {
    "allowed": {"type": "boolean"},
    "limited_by": {"type": ["string", "null"], "description": "The limit that frees last; `blocked` for a block."},
    "limit": {"type": ["integer", "null"], "minimum": 0},
    "remaining": {"type": ["integer", "null"], "minimum": 0},
    "retry_after_ms": {"$ref": "#/components/schemas/RetryAfterMs"},
    "reset_after_ms": {"type": "integer", "minimum": -1},
    "decided_by": {"enum": ["memory", "store", "grant", "refuse", "allow", "local"]},
    "ratelimit": {"type": ["string", "null"], "description": "In a list of decisions: what the field RateLimit would say of this one."},
    "ratelimit_policy": {"type": ["string", "null"], "description": "As ratelimit, of RateLimit-Policy."},
    "limits": {"type": "array", "items": {"$ref": "#/components/schemas/LimitAnswer"}, "description": "Left out where `brief` is asked for."}}},
"Decisions": {
  "type": "array", "maxItems": 1000,
  "items": {"anyOf": [{"$ref": "#/components/schemas/Decision"},
                      {"$ref": "#/components/schemas/Problem"}]},
  "description": "A Problem stands where the domain does not exist."},
"LimitAnswer": {
  "type": "object", "additionalProperties": false,
  "required": ["name", "descriptor", "algorithm", "limit", "remaining", "allowed",
               "retry_after_ms", "reset_after_ms", "shadow"],
  "properties": {
    "name": {"type": "string"},
    "descriptor": {"type": "string", "description": "As key=value,key=value; %XX spells , = % and space."},
    "algorithm": {"type": "string"},
    "limit": {"type": ["integer", "null"], "minimum": 0},
    "remaining": {"type": ["integer", "null"], "minimum": 0},
    "allowed": {"type": "boolean"},
    "retry_after_ms": {"$ref": "#/components/schemas/RetryAfterMs"},
    "reset_after_ms": {"type": "integer", "minimum": -1},
    "shadow": {"type": "boolean", "description": "It never refuses: allowed says what it would have said."}}},
"RetryAfterMs": {
  "type": "integer", "minimum": -1,
  "description": "0 when allowed, -1 when the cost can never fit, else never early."},
"Opened": {
  "type": "object", "required": ["id"], "additionalProperties": false,
  "properties": {"id": {"type": "string", "maxLength": 48}}},
"Charged": {
  "type": "object", "required": ["charged"], "additionalProperties": false,
  "properties": {"charged": {"type": "integer", "minimum": 0, "description": "Units in the end."}}},
"Limits": {"type": "array", "items": {"$ref": "#/components/schemas/Limit"}},
"Limit": {
  "type": "object", "additionalProperties": false,
  "required": ["domain", "name", "descriptor", "algorithm", "rate", "burst", "concurrency",
               "counts", "shadow", "durable", "mode", "when_gone"],
  "properties": {
    "domain": {"type": "string"},
    "name": {"type": "string"},
    "descriptor": {"type": "string"},
    "algorithm": {"type": "string"},
    "rate": {"type": ["string", "null"], "description": "As 100/s; null where there is none."},
    "burst": {"type": ["integer", "null"], "minimum": 0},
    "concurrency": {"type": ["integer", "null"], "minimum": 1},
    "counts": {"enum": ["cost", "requests"]},
    "shadow": {"type": "boolean"},
    "durable": {"type": "boolean"},
    "mode": {"enum": ["granted", "strict"]},
    "when_gone": {"enum": ["local", "refuse", "allow"]}}},
"WhyRows": {"type": "array", "items": {"$ref": "#/components/schemas/WhyRow"}},
"WhyRow": {
  "type": "object", "additionalProperties": false,
  "required": ["name", "descriptor", "algorithm", "limit", "remaining", "allowed",
               "retry_after_ms", "shadow", "blocked_until_ms"],
  "properties": {
    "name": {"type": ["string", "null"]},
    "descriptor": {"type": "string"},
    "algorithm": {"type": ["string", "null"]},
    "limit": {"type": ["integer", "null"], "minimum": 0},
    "remaining": {"type": ["integer", "null"], "minimum": 0},
    "allowed": {"type": "boolean"},
    "retry_after_ms": {"$ref": "#/components/schemas/RetryAfterMs"},
    "shadow": {"type": "boolean"},
    "blocked_until_ms": {"type": ["integer", "null"], "description": "Milliseconds since the epoch."}}},
"Health": {
  "type": "object", "required": ["status"], "additionalProperties": false,
  "properties": {"status": {"enum": ["live", "ready"]}}},
"Version": {
  "type": "object", "required": ["name", "version", "commit"], "additionalProperties": false,
  "properties": {"name": {"const": "ratelimmq"}, "version": {"type": "string"},
                 "commit": {"type": "string"}}},
"OpenApi": {"type": "object", "required": ["openapi", "info", "paths"]},
"Problem": {
  "type": "object", "additionalProperties": false,
  "description": "RFC 9457.",
  "required": ["type", "title", "status", "detail", "code"],
  "properties": {
    "type": {"enum": ["about:blank",
                      "https://iana.org/assignments/http-problem-types#quota-exceeded"]},
    "title": {"type": "string"},
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": {"type": "string"},
    "code": {"enum": ["ERR", "LIMITED", "NOAUTH", "NOPERM", "NOTFOUND", "STALE", "FULL",
                      "READONLY", "UNKNOWN", "SHUTDOWN"],
             "description": "The word of the TCP port's errors."},
    "field": {"type": "string", "description": "The field at fault, as descriptors[0][1]."},
    "violated-policies": {"type": "array", "items": {"type": "string"}},
    "retry_after_ms": {"$ref": "#/components/schemas/RetryAfterMs"}}}
})json";

}  // namespace command
