"""The gateway and its limiter instances as one writes them with FastAPI and redis.asyncio, to be measured beside ours.

  REDIS=6379 REGISTER_WITH=8000 PORT=8001 uvicorn fastapi_gateway:limiter --port 8001
  REDIS=6379 uvicorn fastapi_gateway:gateway --port 8000 --workers 2

The same services: instances register, a random one is asked over HTTP, decides by one script in Redis, and
the hash comes from Redis if it was computed before. uvicorn reads X-Forwarded-For. Tuned as far as its frameworks
go: uvloop, httptools, hiredis, aiohttp for the call to the instance, answers made without models."""
import asyncio
import contextlib
import hashlib
import os
import pathlib
import random
import time
import uuid

import aiohttp
import fastapi
import pydantic
import redis.asyncio
from fastapi.responses import JSONResponse

LIMIT, WINDOW_S, ROUNDS = (int(os.environ.get(name, value)) for name, value in
                           (("LIMIT", 10), ("WINDOW", 10), ("ROUNDS", 200_000)))
REGISTRATION_TTL_S, HASH_TTL_S, KNOWN_S = 10, 3600, 1.0
store = redis.asyncio.Redis(port=int(os.environ["REDIS"]), decode_responses=True)
window = store.register_script((pathlib.Path(__file__).parent / "sliding_window.lua").read_text())


class Text(pydantic.BaseModel):
    data: str


class Instance(pydantic.BaseModel):
    host: str
    port: int


class Check(pydantic.BaseModel):
    key: str


class Registry:
    """In Redis, since several workers serve; looked up once a second."""

    def __init__(self):
        self.known, self.read_at = [], 0.0

    async def instances(self):
        now = time.monotonic()
        if now > self.read_at + KNOWN_S:
            self.read_at = now
            self.known = await store.zrangebyscore("instances", time.time(), "+inf")
        return self.known


registry = Registry()


@contextlib.asynccontextmanager
async def gateway_life(app):
    app.state.calls = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256),
                                            timeout=aiohttp.ClientTimeout(total=5))
    yield
    await app.state.calls.close()


gateway = fastapi.FastAPI(lifespan=gateway_life)


@gateway.post("/register_rate_limiter")
async def register(instance: Instance):
    await store.zadd("instances", {f"{instance.host}:{instance.port}": time.time() + REGISTRATION_TTL_S})
    return {"registered": True, "instances": await store.zcard("instances"), "ttl_s": REGISTRATION_TTL_S}


@gateway.post("/deregister_rate_limiter")
async def deregister(instance: Instance):
    if not await store.zrem("instances", f"{instance.host}:{instance.port}"):
        raise fastapi.HTTPException(404, "no such instance")
    return {"registered": False, "instances": await store.zcard("instances")}


@gateway.get("/rate_limiters")
async def rate_limiters():
    return {"instances": await registry.instances()}


@gateway.get("/health")
async def health():
    return {"status": "ok", "limiters": len(await registry.instances()), "store": "up"}


def compute(text):
    digest = text.encode()
    for _ in range(ROUNDS):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


@gateway.post("/compute_hash")
async def compute_hash(text: Text, request: fastapi.Request):
    instances = await registry.instances()
    if not instances:
        return JSONResponse({"title": "no limiter"}, 503)
    async with gateway.state.calls.post(f"http://{random.choice(instances)}/check",
                                        json={"key": request.client.host}) as answer:
        decision = await answer.json()
    headers = {"RateLimit-Policy": f'"client_ip";q={LIMIT};w={WINDOW_S}',
               "RateLimit": f'"client_ip";r={decision["remaining"]};t={decision["reset_s"]}'}
    if not decision["allowed"]:
        headers["Retry-After"] = str(decision["retry_s"])
        return JSONResponse({"title": "Too Many Requests", "status": 429}, 429, headers)
    kept = await store.get("hash:" + text.data)
    if kept:
        return JSONResponse({"hash": kept, "cached": True}, 200, headers)
    made = await asyncio.to_thread(compute, text.data)
    await store.set("hash:" + text.data, made, ex=HASH_TTL_S)
    return JSONResponse({"hash": made, "cached": False}, 200, headers)


async def stay_registered():
    body = {"host": "127.0.0.1", "port": int(os.environ["PORT"])}
    url = f"http://127.0.0.1:{os.environ['REGISTER_WITH']}/register_rate_limiter"
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await (await session.post(url, json=body)).read()
            await asyncio.sleep(3)


@contextlib.asynccontextmanager
async def limiter_life(app):
    task = asyncio.create_task(stay_registered())
    yield
    task.cancel()


limiter = fastapi.FastAPI(lifespan=limiter_life)


@limiter.post("/check")
async def check(asked: Check):
    allowed, remaining, retry_us, reset_us = await window(
        keys=["window:" + asked.key], args=[LIMIT, WINDOW_S, uuid.uuid4().hex])
    return JSONResponse({"allowed": bool(allowed), "remaining": remaining, "retry_s": -(-retry_us // 1_000_000),
                         "reset_s": -(-reset_us // 1_000_000)})
