// The client's own thread: it owns the socket and the session, and carries out what the session wants.
//
//   auto shell = std::make_shared<Shell>(options);
//   shell->start();                             // throws Unreachable when no broker answers
//   auto channel = shell->open(job_options);
//   shell->command(command);                    // waits for the answer
//   shell->stop();                              // says goodbye and joins
//
// Users leave what they want (post, touch) and wake the thread; it never waits for them, and it holds no lock while it
// talks to the broker. Heartbeats therefore leave on time whatever the user's threads do.
//
// Threads: the public half may be called by any thread; what begins with on_ or stands below `thread's own` is the I/O
// thread's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "common/client/channel.hpp"
#include "common/client/session.hpp"
#include "common/net/link.hpp"
#include "common/system/wakeup.hpp"
#include "stint/client.hpp"

namespace stint::client {

TimePoint deadline_of(Timeout timeout);  // TimePoint::max() for kForever

class Shell : public std::enable_shared_from_this<Shell> {
 public:
  explicit Shell(ClientOptions options);
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  void start();
  void stop();

  std::shared_ptr<Channel> open(JobOptions options);
  std::shared_ptr<Channel> attach(JobId id, Channel::Identity identity, const AttachOptions& options);
  std::vector<std::string> command(Command command);
  std::vector<Row> query(Query query);
  void interrupt();

  // For channels.
  void touch(Channel& channel);    // the I/O thread has something to do for it
  void check(bool interruptible);  // throws Interrupted, Unreachable, Refused, or that the client has ended
  std::uint64_t max_payload_bytes() const { return max_payload_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t batch_bytes() const { return batch_bytes_.load(std::memory_order_relaxed); }

  const std::string& endpoint() const { return endpoint_; }

 private:
  enum class Trouble : std::uint8_t { none, unreachable, refused, ended };
  using Answer = std::variant<Done, std::vector<Row>, Problem>;
  struct Request {
    std::optional<Answer> answer;
  };
  using Task = std::function<void(TimePoint)>;

  void post(Task task);
  Answer ask(const std::function<RequestId(TimePoint)>& put);
  std::shared_ptr<Channel> handle_of(const std::shared_ptr<Channel>& channel);
  void set_trouble(Trouble trouble, std::string text);
  void tell(Notice::Kind kind, JobId job, std::string text);

  // The thread's own.
  void run();
  void turn();
  void run_tasks(TimePoint now);
  void serve_touched(TimePoint now);
  void serve(TimePoint now, Channel& channel);
  void read_socket(TimePoint now);
  void poll_consumed(TimePoint now);
  void check_patience(TimePoint now);
  void carry_out(TimePoint now);
  void leave();
  void notify_all();
  Channel* find(Handle handle);
  TimePoint deadline(TimePoint now) const;

  void on(TimePoint now, const Connect& connect);
  void on(TimePoint now, const Send& send);
  void on(TimePoint now, const Greeted& greeted);
  void on(TimePoint now, const Parted& parted);
  void on(TimePoint now, const TurnedAway& away);
  void on(TimePoint now, const JobOpened& opened);
  void on(TimePoint now, const JobAccepted& accepted);
  void on(TimePoint now, const JobStalled& stalled);
  void on(TimePoint now, ResultsArrived& results);
  void on(TimePoint now, const JobReported& reported);
  void on(TimePoint now, const JobFailed& failed);
  void on(TimePoint now, Replied& replied);

  ClientOptions options_;
  const std::string endpoint_;
  Wakeup wakeup_;
  std::unique_ptr<zmq::context_t> own_context_;  // none where the caller gave one
  Link link_;
  Session session_;
  Outbox out_;
  std::map<Handle, std::shared_ptr<Channel>> channels_;
  std::map<RequestId, std::shared_ptr<Request>> requests_;
  std::set<Handle> behind_;  // results were delivered and not consumed
  TimePoint poll_at_{};      // when it is looked how far they have come
  std::optional<TimePoint> apart_since_;
  bool drained_ = true;  // the socket was empty at the end of the last turn

  // Shared; under mutex_ but for the atomics.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Task> tasks_;
  std::vector<Handle> touched_;
  bool greeted_ = false;
  bool stopping_ = false;
  std::string turned_away_;  // why the broker did not let us in so far
  std::string trouble_text_;
  ErrorCode trouble_code_{};
  std::map<std::uint64_t, std::weak_ptr<Channel>> handles_;  // of users, by the job's id
  std::uint32_t last_handle_ = 0;
  std::atomic<Trouble> trouble_{Trouble::none};
  std::atomic<bool> interrupted_{false};
  std::atomic<std::uint64_t> max_payload_bytes_;
  std::atomic<std::uint64_t> batch_bytes_;

  std::thread thread_;
};

}  // namespace stint::client
