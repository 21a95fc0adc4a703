"""Fetches the URLs of a file with aiohttp: TOTAL at a time, PER_HOST of them for each host.

  python aiohttp_fetch.py FILE TOTAL PER_HOST

A worker a slot takes the next URL; the connector's limits are set as the caps."""
import asyncio
import sys

import aiohttp


async def worker(urls, session, seen):
    for url in urls:
        async with session.get(url) as answer:
            body = await answer.read()
            seen[answer.status == 200] += 1
            seen["bytes"] += len(body)


async def main(file, total, per_host):
    with open(file) as lines:
        urls = iter([line.strip() for line in lines])
    seen = {True: 0, False: 0, "bytes": 0}
    connector = aiohttp.TCPConnector(limit=total, limit_per_host=per_host)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(worker(urls, session, seen) for _ in range(total)))
    print(seen[True], seen[False])


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
