#include "history/reader.h"

#include "history/testing.h"

namespace history {
namespace {

std::string fault_of(const std::string& text) {
  Reader reader;
  reader.begin_file();
  auto status = reader.feed(text);
  if (!status.has_error()) status = reader.end_file();
  return status.has_error() ? std::to_string(reader.line()) + ": " + status.error().what
                            : std::string();
}

TEST(HistoryReader, ReadsEveryEventOfTheDocument) {
  const std::string text =
      "history 1\n# a comment\n\n"
      "queue 0 mails in_flight_per_key=1 dedup_window=300000 durability=os\n"
      "limit 0 0 mail-rate gcra=50/1000000000 burst=5 by=tag queues=mails,other durable=1\n"
      "limit 0 0 calls sliding=3/1000 counts=requests\nlimit 0 0 jobs concurrency=3 by=key\n"
      "limit 0 0 day fixed=3/1000 by=queue\n"
      "start 1 2\nclock 2 3 1000000\n"
      "enqueue 5 6 ok mails p id=m key=ann tag=t priority=3 delay=1 ttl=9 dedup=d cost=2 "
      "attempts=4 within=5\n"
      "deliver 5 6 mails m r p conn=c attempt=1 until=7 lease=6 enqueued=1 granted=9 key=ann "
      "priority=3\n"
      "dequeue 5 6 info mails,other\nack 7 8 ok r\nnack 7 8 fail r delay=5 dead=1\n"
      "requeue 7 8 info r delay=0\nextend 7 8 ok r until=5\nremove 7 8 ok m\npurge 7 8 ok mails\n"
      "redrive 7 8 ok mails\nclose 7 8 c\ncheck 7 8 fail calls * cost=3\nkill 9\nstop 9 10\n"
      "drained 11 mails other\ndrained 11\npresent 11 mails m dead\n"
      "counts 11 12 mails enqueued=1 ready=0 delayed=0 leased=0 dead=1 gone=0\n"
      "start 12 13 within=5\nheld 13 14 jobs ann 3\nleft 13 14 calls * 0\nwake 14 mails within=9\n"
      "busy 1 2 calls *\nbacklog 1 2 mails ann weight=3\n";
  Reader reader;
  reader.begin_file();
  for (const char byte : text)  // Cut everywhere.
    ASSERT_FALSE(reader.feed({&byte, 1}).has_error()) << reader.line();
  ASSERT_FALSE(reader.end_file().has_error());
  const History history = reader.take();
  EXPECT_EQ(history.events, 31u);
  ASSERT_EQ(history.enqueues.size(), 1u);
  const Enqueue& enqueue = history.enqueues[0];
  EXPECT_EQ(enqueue.queue, name_of("mails"));
  EXPECT_EQ(enqueue.payload, name_of("p"));
  EXPECT_EQ(enqueue.id, name_of("m"));
  EXPECT_EQ(enqueue.span.from, 5);
  EXPECT_EQ(enqueue.span.to, 6);
  EXPECT_EQ(enqueue.delay, kMillisecond);
  EXPECT_EQ(enqueue.ttl, 9 * kMillisecond);
  EXPECT_EQ(enqueue.priority, 3u);
  EXPECT_EQ(enqueue.cost, 2);
  EXPECT_EQ(enqueue.attempts, 4);
  ASSERT_EQ(history.settles.size(), 4u);
  EXPECT_EQ(history.settles[1].verb, Settling::kNackDead);
  EXPECT_EQ(history.settles[1].outcome, Outcome::kFail);
  EXPECT_EQ(history.settles[2].delay, 0);
  ASSERT_EQ(history.limits.size(), 4u);
  EXPECT_EQ(history.limits[0].queues.size(), 2u);
  EXPECT_TRUE(history.limits[0].durable);
  EXPECT_EQ(history.limits[1].law, Law::kSliding);
  EXPECT_TRUE(history.limits[1].requests);
  EXPECT_EQ(history.limits[2].law, Law::kConcurrency);
  EXPECT_EQ(history.limits[3].by, By::kQueue);
  EXPECT_EQ(history.unanswered.size(), 2u);
  EXPECT_EQ(history.drained.size(), 3u);
  ASSERT_EQ(history.samples.size(), 2u);
  EXPECT_EQ(history.samples[0].number, 3);
  ASSERT_EQ(history.promises.size(), 2u);
  EXPECT_TRUE(history.promises[0].recovery);
  EXPECT_EQ(history.promises[1].queue, name_of("mails"));
  EXPECT_EQ(history.promises[1].within, 9 * kMillisecond);
  EXPECT_EQ(history.enqueues[0].where.line, 11u);
}

TEST(HistoryReader, FaultsNameTheirLine) {
  EXPECT_EQ(fault_of("history 2\n"), "1: this is no history: line 1 is not 'history 1'");
  EXPECT_EQ(fault_of(""), "0: the file is empty");
  EXPECT_EQ(fault_of("history 1\nkill 5"), "2: the last line has no end");
  EXPECT_EQ(fault_of("history 1\njump 5\n"), "2: unknown event 'jump'");
  EXPECT_EQ(fault_of("history 1\nkill\n"), "2: a word is missing");
  EXPECT_EQ(fault_of("history 1\nkill -5\n"), "2: '-5' is no number of at least 0");
  EXPECT_EQ(fault_of("history 1\nkill 5 6\n"), "2: words behind the end: '6'");
  EXPECT_EQ(fault_of("history 1\nstart 5 4\n"), "2: it ended before it began");
  EXPECT_EQ(fault_of("history 1\nack 5 6 maybe r\n"), "2: an outcome is ok, fail or info");
  EXPECT_EQ(fault_of("history 1\nenqueue 5 6 ok q p\n"), "2: an enqueue that is ok has an id");
  EXPECT_EQ(fault_of("history 1\nack 5 6 ok r why=5\n"), "2: unknown option 'why'");
  EXPECT_EQ(fault_of("history 1\nlimit 5 5 l by=key\n"),
            "2: a limit has gcra=, sliding=, fixed= or concurrency=");
}

}  // namespace
}  // namespace history
