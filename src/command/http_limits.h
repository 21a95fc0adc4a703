// The answer of POST /v1/check, whichever way the decision came.
#pragma once
#include "command/http_api.h"
#include "engine/request.h"
#include "limiter/limiter.h"

namespace command {

HttpAnswer decision_answer(const limiter::Answer& decided);

enum class Brief : bool { kNo, kYes };

// The answers of the limits' routes, once what they asked is known.
HttpAnswer check_answer(const limiter::Answer& decided, std::string_view domain);
// One of several. `brief`: without its limits.
std::string check_record(const limiter::Answer& decided, std::string_view domain, Brief brief);
HttpAnswer opened_answer(const base::Result<limiter::Limiter::Opened>& opened,
                         std::string_view path);
HttpAnswer committed_answer(const base::Result<int64_t>& charged);
HttpAnswer ended_answer(const base::Status& status);
HttpAnswer why_answer(const base::Result<limiter::Limiter::Why>& why);

// Of a check that waited; limits that are gone meanwhile are left out.
HttpAnswer waited_answer(const engine::Check& check, const limiter::Limits& limits);

}  // namespace command
