#include "broker/store/sqlite_store.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "broker/store/engine.hpp"
#include "common/system/wakeup.hpp"

namespace stint::broker {
namespace {

std::uint64_t payload_bytes(const Change& change) {
  if (const auto* append = std::get_if<AppendTasks>(&change)) return append->tasks.blob.size();
  if (const auto* append = std::get_if<AppendOutcomes>(&change)) return append->results.outcomes.blob.size();
  return 0;
}

}  // namespace

// The thread, and what lies between it and the loop's.
class SqliteStore::Worker {
 public:
  explicit Worker(const SqliteOptions& options) : engine_(options) {}

  ~Worker() {
    hand_over();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wanted_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  Opened take_opened() { return engine_.take_opened(); }
  void start() { thread_ = std::thread(&Worker::run, this); }

  void append(CommitId commit, Change change) { appended_.emplace_back(commit, std::move(change)); }
  void fetch(Wanted wanted) { asked_.push_back(std::move(wanted)); }

  StoreNews news() {
    hand_over();
    wakeup_.clear();
    const std::lock_guard lock(mutex_);
    if (error_) {
      wakeup_.wake();  // it is all there will ever be to say
      throw StoreError(*error_);
    }
    return std::exchange(news_, {});
  }

  int fd() const { return wakeup_.fd(); }

 private:
  struct Work {
    std::vector<Wanted> fetches;
    std::vector<Change> changes;
    CommitId newest{};
    bool none() const { return fetches.empty() && changes.empty(); }
  };

  // All at once: what was decided together is committed together, and the thread is woken once.
  void hand_over() {
    if (appended_.empty() && asked_.empty()) return;
    {
      const std::lock_guard lock(mutex_);
      std::move(appended_.begin(), appended_.end(), std::back_inserter(changes_));
      std::move(asked_.begin(), asked_.end(), std::back_inserter(fetches_));
    }
    appended_.clear();
    asked_.clear();
    wanted_.notify_one();
  }

  void run() noexcept {
    try {
      tell_of_room();
      while (turn()) {
      }
    } catch (const std::exception& error) {
      tell([&error, this](StoreNews&) { error_ = error.what(); });
    }
  }

  // What is fetched is served before what was appended meanwhile is committed: that may remove what was asked for.
  bool turn() {
    bool last = false;
    Work work = take_work(last);
    for (const Wanted& wanted : work.fetches) {
      Fetched fetched = engine_.fetch(wanted);
      tell([&fetched](StoreNews& news) { news.fetched.push_back(std::move(fetched)); });
    }
    if (!work.changes.empty()) {
      engine_.commit(work.changes);
      tell([&work](StoreNews& news) { news.committed = work.newest; });
    }
    if (last && work.none()) {
      engine_.finish();
      return false;
    }
    engine_.look_for_room();
    if (engine_.has_chores()) {
      engine_.do_chore();
      engine_.look_for_room();
    }
    tell_of_room();
    return true;
  }

  void tell_of_room() {
    if (auto full = engine_.take_full()) {
      tell([&full](StoreNews& news) { news.full = std::move(full); });
    }
  }

  Work take_work(bool& last) {
    std::unique_lock lock(mutex_);
    const auto is_wanted = [this] {
      return stopping_ || !changes_.empty() || !fetches_.empty() || engine_.has_chores();
    };
    if (engine_.is_full()) {
      wanted_.wait_for(lock, limits::kStoreRoomCheck, is_wanted);
    } else {
      wanted_.wait(lock, is_wanted);
    }
    last = stopping_;
    Work work;
    work.fetches.swap(fetches_);
    std::uint64_t bytes = 0;
    while (!changes_.empty() && bytes < limits::kStoreCommitBytes) {
      bytes += payload_bytes(changes_.front().second);
      work.newest = changes_.front().first;
      work.changes.push_back(std::move(changes_.front().second));
      changes_.pop_front();
    }
    return work;
  }

  template <class What>
  void tell(What what) {
    {
      const std::lock_guard lock(mutex_);
      what(news_);
    }
    wakeup_.wake();
  }

  Engine engine_;  // only the constructor's thread, then only the inner one
  std::vector<std::pair<CommitId, Change>> appended_;  // only the outer thread
  std::vector<Wanted> asked_;                          // the same
  Wakeup wakeup_;

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::pair<CommitId, Change>> changes_;
  std::vector<Wanted> fetches_;
  StoreNews news_;
  std::optional<std::string> error_;
  bool stopping_ = false;

  std::thread thread_;
};

SqliteStore::SqliteStore(const SqliteOptions& options) : worker_(std::make_unique<Worker>(options)) {
  opened_ = worker_->take_opened();
  worker_->start();
}

SqliteStore::~SqliteStore() = default;

Opened SqliteStore::take_opened() { return std::exchange(opened_, {}); }

void SqliteStore::append(CommitId commit, Change change) { worker_->append(commit, std::move(change)); }

void SqliteStore::fetch(Wanted wanted) { worker_->fetch(std::move(wanted)); }

StoreNews SqliteStore::news() { return worker_->news(); }

int SqliteStore::fd() const { return worker_->fd(); }

}  // namespace stint::broker
