"""Fetches the URLs of a file with Scrapy: TOTAL at a time, PER_HOST of them for each host.

  python scrapy_fetch.py FILE TOTAL PER_HOST

What a crawl may go without is off: robots.txt, cookies, retries, redirects, logs, statistics on the
console, throttling."""
import sys

import scrapy
from scrapy.crawler import CrawlerProcess

FILE, TOTAL, PER_HOST = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


class Spider(scrapy.Spider):
    name = "bench"
    answers = 0

    async def start(self):
        with open(FILE) as lines:
            for line in lines:
                yield scrapy.Request(line.strip(), dont_filter=True)

    def parse(self, response):
        Spider.answers += response.status == 200


process = CrawlerProcess({
    "CONCURRENT_REQUESTS": TOTAL, "CONCURRENT_REQUESTS_PER_DOMAIN": PER_HOST, "DOWNLOAD_DELAY": 0,
    "ROBOTSTXT_OBEY": False, "COOKIES_ENABLED": False, "RETRY_ENABLED": False, "REDIRECT_ENABLED": False,
    "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "AUTOTHROTTLE_ENABLED": False,
    "REFERER_ENABLED": False, "DNS_RESOLVER": "scrapy.resolver.CachingThreadedResolver",
})
process.crawl(Spider)
process.start()
print(Spider.answers, 0)
