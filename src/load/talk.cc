#include "load/talk.h"

namespace load {

base::Result<Talk::Greeting> Talk::greet(std::string_view, std::string&, bool) {
  return Greeting{};
}

std::unique_ptr<Talk> make_talk(const Work& work, unsigned connection) {
  switch (work.wire) {
    case Wire::kLine:
      return line_talk(work);
    case Wire::kResp:
      return resp_talk(work);
    case Wire::kHttp:
      return http_talk(work);
    case Wire::kRedis:
    case Wire::kRedisStream:
      return redis_talk(work);
    case Wire::kBeanstalk:
      return beanstalk_talk(work);
    case Wire::kNats:
      return nats_talk(work, connection);
    case Wire::kRabbit:
      return rabbit_talk(work);
  }
  return nullptr;
}

}  // namespace load
