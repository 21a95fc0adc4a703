// The answer of POST /v1/check, whichever way the decision came.
#pragma once
#include "command/http_api.h"
#include "engine/request.h"
#include "limiter/limiter.h"

namespace command {

HttpAnswer decision_answer(const limiter::Answer& decided);

// Of a check that waited; limits that are gone meanwhile are left out.
HttpAnswer waited_answer(const engine::Check& check, const limiter::Limits& limits);

}  // namespace command
