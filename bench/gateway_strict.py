"""What decisions cost Redis: one EVALSHA each, strict through an instance, and granted."""
import subprocess

from gateway_measure import INSTANCE, LIMIT, STORE, WINDOW_S, Wrk, alternate, ratio, spread, us, window
from gateway_servers import HERE, Fleet, counter, scripts_run
from queue_measure import Series, running_seconds, table

LAWS = {"gcra": "GCRA", "sliding_window": "sliding window, exact"}
CALLERS = 256
HOT_KEYS, HOT_RATE = 20, 100_000  # A second, of each key: more than is asked for.
LIST = 16


def naive(run, law, keys):
    """redis-benchmark sends one EVALSHA for each decision, on as many connections as there are callers."""
    with Fleet(run.folder) as fleet:
        redis = fleet.redis()
        sha = subprocess.run(["redis-cli", "-p", str(redis.port), "-x", "SCRIPT", "LOAD"], capture_output=True,
                             text=True, input=(HERE / f"peers/{law}.lua").read_text(), check=True).stdout.strip()
        load = subprocess.Popen(["redis-benchmark", "-p", str(redis.port), "-c", str(CALLERS), "-n", "1000000000", "-r",
                                 str(keys), "EVALSHA", sha, "1", f"rl:{law}:__rand_int__", str(LIMIT), str(WINDOW_S),
                                 "__rand_int____rand_int__"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return midst(run, redis, lambda: (scripts_run(redis),) * 2)
        finally:
            load.kill()
            load.wait()


def ours(run, law, keys, limit=f"{LIMIT}/{WINDOW_S}s", mode="strict", at_once=1):
    with Fleet(run.folder) as fleet:
        redis = fleet.redis()
        algorithm = "" if law == "gcra" else f"algorithm: {law}, "
        limiter = fleet.role("limiter", STORE.format(port=redis.port) + INSTANCE +
                             f"limits: [{{domain: bench, descriptors: [{{key: {law}, limits: "
                             f"[{{{algorithm}rate: {limit}, mode: {mode}}}]}}]}}]\n")
        load = Wrk(CALLERS, run.seconds + 6, f"http://127.0.0.1:{limiter.port}/v1/check", "check.lua",
                   (law, keys, at_once))
        name = "ratelimmq_store_decisions_total"
        ways = ("store", "grant") if mode == "granted" else ("store",)

        def decided():
            return sum(counter(limiter, name, by=way) for way in ways)
        try:
            outcome = midst(run, redis, lambda: (decided(), scripts_run(redis)))
            if counter(limiter, name) > decided():
                raise RuntimeError("some decisions were not the store's")
            return outcome
        finally:
            load.process.kill()
            load.process.communicate()


def midst(run, redis, counts):
    """Decisions and calls in the midst of a load, and Redis' CPU for them."""
    (decisions, calls), cpu, seconds = window(run, counts, lambda: running_seconds(redis))
    return {"rate": decisions / seconds, "per_cpu": decisions / cpu, "cpu_us": cpu * 1e6 / decisions,
            "batch": decisions / max(1, calls)}


def strict(run):
    lines = []
    for keys, words in ((50_000, "nearly all are allowed"), (1_000, "nearly all are refused")):
        rows = []
        for law, said in LAWS.items():
            series = alternate(run, [
                (Series(f"{said}: one EVALSHA for each"), lambda: naive(run, law, keys)),
                (Series(f"{said}: ratelimmq limiter"), lambda: ours(run, law, keys))])
            rows += [[one.name, spread(one, "per_cpu"), ratio(one, series[0], "per_cpu"), spread(one, "cpu_us", us),
                      spread(one, "batch"), spread(one, "rate")] for one in series]
        lines += table(
            f"Strict decisions, {keys:,} keys",
            f"Limits of {LIMIT} in {WINDOW_S} s in Redis, keys at random: {words}. `redis-benchmark` is the naive "
            f"client: {CALLERS} connections, one EVALSHA of `bench/peers/*.lua` for each decision, no HTTP in front. "
            f"Ours is asked over HTTP by {CALLERS} connections (`wrk`, POST /v1/check); a refusal that it remembers "
            "needs no call.",
            ["", "decisions a Redis CPU-second, median (min–max)", "ratio", "Redis CPU of each, µs",
             "decisions a call", "decisions a second"], rows)
    return lines


def granted(run):
    """Promised: at least 20 times as many decisions for each second of Redis CPU as strict ones."""
    rows = []
    for at_once, words in ((1, "one at a time"), (LIST, f"lists of {LIST}")):
        series = alternate(run, [
            (Series(f"{mode}, {words}"),
             lambda mode=mode: ours(run, "gcra", HOT_KEYS, f"{HOT_RATE}/s", mode, at_once))
            for mode in ("strict", "granted")])
        rows += [[one.name, spread(one, "per_cpu"), ratio(one, series[0], "per_cpu"), spread(one, "cpu_us", lambda value: f"{value:.2f}"),
                  spread(one, "batch"), spread(one, "rate")] for one in series]
    return table(
        f"Granted decisions, {HOT_KEYS} hot keys",
        f"A GCRA of {HOT_RATE:,} a second for each key, asked over HTTP by {CALLERS} connections (`wrk`; POST /v1/check, "
        f"and /v1/checks as a gateway does), all allowed: strict decides every one in Redis, granted fetches blocks of "
        "units ahead and spends them in memory. What a grant costs depends on time and keys, not on how often they "
        "are asked for: the hotter they are, the higher the ratio.",
        ["", "decisions a Redis CPU-second, median (min–max)", "ratio", "Redis CPU of each, µs", "decisions a call",
         "decisions a second"], rows)
