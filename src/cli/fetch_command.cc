// fetch: many URLs, a cap on all together and on each host.
#include <sys/signalfd.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <random>

#include "cli/body_files.h"
#include "cli/cli.h"
#include "cli/fetch_report.h"
#include "config/value.h"
#include "fetch/lines.h"
#include "fetch/sweep.h"
#include "io/io.h"

namespace cli {
namespace {

constexpr base::Duration kDraw = std::chrono::milliseconds(200);
constexpr base::Duration kTimeoutMax = std::chrono::hours(1);
constexpr uint64_t kDescriptorsKept = 64;

struct AskedToFetch {
  std::vector<std::string> urls;
  std::string file;
  size_t total = 100, per_host = 8;
  std::string rate, host_rate;
  std::string timeout = "30", give_up = "300";
  unsigned retries = 0, redirects = 0;
  size_t window = 100'000;
  std::string out;
  bool json = false;
  std::string guard = "off";
  std::vector<std::string> allow;
  std::string ca_file;
  std::vector<std::string> headers;
};

base::Error wrong_option(const std::string& option, const std::string& what) {
  return base::invalid("--" + option + ": " + what, option);
}

// "30", "0.5" (seconds), or a span as everywhere else: "500ms", "5m".
base::Result<base::Duration> parse_seconds(const std::string& option, const std::string& text) {
  double seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
  if (error == std::errc() && stop == end && seconds >= 0 && seconds <= 1e9)
    return base::Duration(static_cast<int64_t>(seconds * 1e9));
  const base::Result<base::Duration> span = config::parse_span(text);
  if (!span)
    return wrong_option(option, "must be seconds, or a span such as 500ms, not '" + text + "'");
  return span;
}

base::Status take_rate(const std::string& option, const std::string& text,
                       std::optional<limit::Gcra>& law) {
  if (text.empty()) return {};
  const base::Result<limit::RateText> rate = limit::parse_rate(text);
  if (!rate) return wrong_option(option, rate.error().what);
  if (rate->calendar_only) return wrong_option(option, "a month or a year has no fixed length");
  const base::Result<limit::Gcra> made = fetch::pace(rate->rate, rate->burst);
  if (!made) return wrong_option(option, made.error().what);
  law = *made;
  return {};
}

base::Status take_header(const std::string& text, fetch::SweepOptions& options) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0)
    return wrong_option("header", "must be 'Name: value'");
  const size_t begin = text.find_first_not_of(' ', colon + 1);
  options.fields.emplace_back(text.substr(0, colon),
                              begin == std::string::npos ? "" : text.substr(begin));
  return {};
}

base::Status take_guard(const AskedToFetch& asked, fetch::SweepOptions& options) {
  const http::GuardMode mode = asked.guard == "block"    ? http::GuardMode::kBlock
                               : asked.guard == "report" ? http::GuardMode::kReport
                                                         : http::GuardMode::kOff;
  base::Result<http::AddressGuard> guard = http::AddressGuard::make(mode, asked.allow);
  if (!guard) return wrong_option("allow", guard.error().what);
  options.client.guard = *std::move(guard);
  options.client.on_report = [](std::string_view host, std::string_view range) {
    std::fprintf(stderr, "ratelimmq: guard: %.*s is %.*s\n", static_cast<int>(host.size()),
                 host.data(), static_cast<int>(range.size()), range.data());
  };
  return {};
}

// A socket for each request that runs, and for those that are kept.
base::Status take_sockets(const AskedToFetch& asked, fetch::SweepOptions& options) {
  const uint64_t most = io::raise_descriptor_limit();
  if (asked.total + kDescriptorsKept > most) {
    return wrong_option("total", std::to_string(asked.total) +
                                     " sockets are more than the system allows (" +
                                     std::to_string(most) + " open files, see ulimit -n)");
  }
  options.client.idle_connections_max =
      std::min<size_t>(options.client.idle_connections_max, most - kDescriptorsKept - asked.total);
  return {};
}

base::Result<fetch::SweepOptions> options_of(const AskedToFetch& asked) {
  fetch::SweepOptions options;
  options.limits.total = asked.total;
  options.limits.per_host = std::min(asked.per_host, asked.total);
  options.limits.seed = std::random_device()();
  options.terms.retries = asked.retries;
  options.terms.redirects = asked.redirects;
  options.window.most = asked.window;
  options.client.ca_file = asked.ca_file;
  const base::Result<base::Duration> timeout = parse_seconds("timeout", asked.timeout);
  if (!timeout) return timeout.error();
  if (*timeout < std::chrono::milliseconds(1) || *timeout > kTimeoutMax)
    return wrong_option("timeout", "must be 1 ms to 1 h");
  options.terms.timeout = *timeout;
  const base::Result<base::Duration> give_up = parse_seconds("give-up", asked.give_up);
  if (!give_up) return give_up.error();
  options.give_up = *give_up;
  for (const base::Status& taken :
       {take_rate("rate", asked.rate, options.limits.rate),
        take_rate("host-rate", asked.host_rate, options.limits.host_rate),
        take_guard(asked, options), take_sockets(asked, options)}) {
    if (!taken) return taken.error();
  }
  for (const std::string& header : asked.headers) {
    if (const base::Status taken = take_header(header, options); !taken) return taken.error();
  }
  return options;
}

// SIGINT and SIGTERM as something to be read: the first asks for an end, the second is one.
class Interrupts {
 public:
  explicit Interrupts(io::Loop& loop) {
    std::signal(SIGPIPE, SIG_IGN);
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    fd_ = io::Fd(::signalfd(-1, &set_, SFD_NONBLOCK | SFD_CLOEXEC));
    loop.when_readable(fd_.get(), [this] {
      signalfd_siginfo told;
      if (::read(fd_.get(), &told, sizeof told) != sizeof told) return;
      ::pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
      number_ = static_cast<int>(told.ssi_signo);
      if (on_signal) on_signal();
    });
  }
  std::function<void()> on_signal;
  int number() const { return number_; }  // 0: none came.

 private:
  sigset_t set_;
  io::Fd fd_;
  int number_ = 0;
};

class Command {
 public:
  explicit Command(const AskedToFetch& asked)
      : asked_(asked), interrupts_(loop_), report_(terms_of(asked)) {}

  int run() {
    if (const base::Status opened = open(); !opened) return usage(opened.error());
    loop_.every(FetchReport::kFlush, [this] { flush(); });
    loop_.every(kDraw, [this] { draw(); });
    interrupts_.on_signal = [this] { end(); };
    sweep_->start();
    loop_.run();
    report_.totals();
    report_.flush(clock_.now());
    return exit_code();
  }

 private:
  static FetchReport::Terms terms_of(const AskedToFetch& asked) {
    const bool bar = ::isatty(STDERR_FILENO) == 1;
    return {.json = asked.json, .bar = bar, .bar_over = bar && ::isatty(STDOUT_FILENO) == 1};
  }
  static int usage(const base::Error& error) {
    std::fprintf(stderr, "ratelimmq: %s\n", error.what.c_str());
    return kUsage;
  }

  base::Status open() {
    if (asked_.urls.empty() && asked_.file.empty())
      return base::invalid("no URL was given, and no --file");
    base::Result<fetch::SweepOptions> options = options_of(asked_);
    if (!options) return options.error();
    io::Fd file;
    if (!asked_.file.empty()) {
      base::Result<io::Fd> opened = fetch::Lines::open(asked_.file);
      if (!opened) return opened.error();
      file = *std::move(opened);
    }
    lines_.emplace(loop_.poll(), asked_.urls, std::move(file));
    if (!asked_.out.empty()) {
      auto opened = BodyFiles::open(asked_.out);
      if (!opened) return opened.error();
      bodies_ = *std::move(opened);
      options->open_body = [this](uint64_t index, std::string_view url) {
        bodies_->begin(index, url);
        return [this, index](std::string_view bytes) { return bodies_->add(index, bytes); };
      };
    }
    auto made = fetch::Sweep::make(
        loop_, clock_, *std::move(options), *lines_,
        [this](fetch::Finished&& one) { finished(std::move(one)); }, [this] { end(); });
    if (!made) return made.error();
    sweep_ = *std::move(made);
    return {};
  }

  void finished(fetch::Finished&& one) {
    std::string file;
    if (bodies_ != nullptr) {
      BodyFiles::Outcome body = bodies_->end(one.index, one.result.ok);
      if (!body.error.empty()) {
        one.result.ok = false;
        one.result.error = body.error;
      }
      file = std::move(body.file);
    }
    if (one.host.empty() && one.index > lines_->named())
      one.result.error =
          "line " + std::to_string(one.index - lines_->named()) + ": " + one.result.error;
    report_.add(one, file, clock_.now());
    if (report_.broken()) end();
  }
  void flush() {
    report_.flush(clock_.now());
    if (report_.broken()) end();
  }
  void draw() {
    const fetch::Progress progress = sweep_->progress();
    std::optional<uint64_t> all;
    if (progress.read_all) all = progress.finished + progress.in_hand + progress.on_disk;
    report_.draw(progress, all, clock_.now());
  }
  void end() {
    sweep_->stop();
    loop_.stop();
  }

  int exit_code() const {
    if (!report_.broken_why().empty())
      std::fprintf(stderr, "ratelimmq: %s\n", report_.broken_why().c_str());
    if (const std::string error = sweep_->error(); !error.empty()) {
      std::fprintf(stderr, "ratelimmq: %s\n", error.c_str());
      return kFailed;
    }
    if (interrupts_.number() != 0) return 128 + interrupts_.number();
    return report_.all_ok() && !report_.broken() ? kDone : kFailed;
  }

  const AskedToFetch& asked_;
  io::Loop loop_;
  const io::SystemClock clock_;
  Interrupts interrupts_;
  FetchReport report_;
  std::optional<fetch::Lines> lines_;
  std::unique_ptr<BodyFiles> bodies_;
  std::unique_ptr<fetch::Sweep> sweep_;
};

void add_limits(CLI::App& command, AskedToFetch& asked) {
  command.add_option("--total", asked.total, "Requests at a time, of all together (100)")
      ->check(CLI::Range(size_t{1}, size_t{100'000}))
      ->type_name("N");
  command.add_option("--per-host", asked.per_host, "Requests at a time, of each host (8)")
      ->check(CLI::Range(size_t{1}, size_t{100'000}))
      ->type_name("N");
  command.add_option("--rate", asked.rate, "Of all together: \"100/s\", \"100/s burst 200\"")
      ->type_name("RATE");
  command.add_option("--host-rate", asked.host_rate, "Of each host: \"5/s\"")->type_name("RATE");
  command.add_option("--window", asked.window, "URLs in memory at a time (100000)")
      ->check(CLI::Range(size_t{1}, size_t{10'000'000}))
      ->type_name("N");
}

void add_requests(CLI::App& command, AskedToFetch& asked) {
  command.add_option("--timeout", asked.timeout, "Of a request, its body included (30 s)")
      ->type_name("S");
  command
      .add_option("--retries", asked.retries, "Further attempts without an answer, at 408 and 5xx")
      ->check(CLI::Range(0u, 1000u))
      ->type_name("N");
  command.add_option("--redirects", asked.redirects, "Followed at most; 0: a 3xx is a failure")
      ->check(CLI::Range(0u, 100u))
      ->type_name("N");
  command
      .add_option("--give-up", asked.give_up, "On a host that only puts off or is silent (300 s)")
      ->type_name("S");
  command.add_option("--header", asked.headers, "'Name: value', sent with each request")
      ->allow_extra_args(false)
      ->type_name("FIELD");
  command
      .add_option("--ca-file", asked.ca_file,
                  "Certificates that are trusted, instead of the system's")
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
  command
      .add_option("--guard", asked.guard, "Private and special addresses: block, report, off (off)")
      ->check(CLI::IsMember({"block", "report", "off"}));
  command.add_option("--allow", asked.allow, "CIDR or name that the guard lets through")
      ->allow_extra_args(false)
      ->type_name("NET");
}

}  // namespace

void add_fetch(Program& program) {
  const auto asked =
      std::make_shared<AskedToFetch>();  // Shared: the options write, the body reads.
  CLI::App& command =
      program.add("fetch", "Fetch many URLs, with a cap on all together and on each host",
                  [asked] { return Command(*asked).run(); });
  command.add_option("url", asked->urls, "URLs, http or https")->type_name("URL...");
  command.add_option("--file", asked->file, "URLs, one a line; -: standard input")
      ->type_name("FILE");
  add_limits(command, *asked);
  add_requests(command, *asked);
  command.add_option("--out", asked->out, "Writes bodies to files of this directory")
      ->type_name("DIR");
  command.add_flag("--json", asked->json, "A line of JSON for each URL, as it ends");
  command.footer(
      "Results come as URLs end, not in their order. Exit code: 0 if all were ok; 1 if some were "
      "not;\n2 for bad usage; 130 after Ctrl+C. docs/fetch.md tells more.");
}

}  // namespace cli
