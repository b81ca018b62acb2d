// A broker and workers as threads of the test, over real sockets: what the client's shell does with a real other side.
//
//   Farm farm;
//   Client client(farm.options());
//   farm.hires(2);                 // workers: echo, fail, hold
//   farm.restarts_the_broker();    // on the same address, without its memory
#pragma once

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <stint/client.hpp>
#include <stint/worker.hpp>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker/shell/shell.hpp"
#include "broker/store/memory_store.hpp"
#include "common/net/random.hpp"

namespace stint {

class Farm {
 public:
  Farm() { starts_a_broker("tcp://127.0.0.1:*"); }

  ~Farm() {
    lets_go();
    for (const auto& worker : workers_) worker->drain(std::chrono::milliseconds(1000));
    for (auto& ended : ended_) ended.wait();
    stops_the_broker();
  }

  ClientOptions options() const {
    ClientOptions options;
    options.endpoint = endpoint_;
    options.timeout = std::chrono::seconds(30);
    return options;
  }

  void hires(int count) {
    for (int i = 0; i < count; ++i) {
      WorkerOptions options;
      options.broker = endpoint_;
      options.handle_signals = false;
      options.log = [](std::string_view) {};
      auto worker = std::make_shared<Worker>(options);
      worker->on("echo", [](Task& task) { return std::string(task.payload()); });
      worker->on("fail", [](Task& task) { task.reject("no " + std::string(task.payload())); });
      worker->on("hold", [this](Task& task) { return hold(), std::string(task.payload()); });
      workers_.push_back(worker);
      ended_.push_back(std::async(std::launch::async, [worker] { worker->run(); }));
    }
  }

  // Tasks of kind hold wait for this.
  void lets_go() {
    const std::lock_guard lock(mutex_);
    go_ = true;
    gone_.notify_all();
  }

  void stops_the_broker() {
    if (!broker_) return;
    broker_->shell.stop();
    broker_->ended.wait();
    broker_.reset();
  }

  void restarts_the_broker() {
    stops_the_broker();
    starts_a_broker(endpoint_);
  }

 private:
  struct Broker {
    explicit Broker(const broker::ShellOptions& options) : shell(context, options, store, logger) {
      ended = std::async(std::launch::async, [this] { shell.run(); });
    }
    zmq::context_t context;
    broker::MemoryStore store;
    spdlog::logger logger{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
    broker::Shell shell;
    std::future<void> ended;
  };

  void starts_a_broker(const std::string& endpoint) {
    broker::ShellOptions options;
    options.listen = endpoint;
    options.events = "tcp://127.0.0.1:*";
    options.memory = true;
    options.core.store = StoreId{random_bits()};
    options.core.heartbeat = std::chrono::milliseconds(200);
    broker_ = std::make_unique<Broker>(options);
    endpoint_ = broker_->shell.listen();
  }

  void hold() {
    std::unique_lock lock(mutex_);
    gone_.wait(lock, [&] { return go_; });
  }

  std::string endpoint_;
  std::unique_ptr<Broker> broker_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::vector<std::future<void>> ended_;
  std::mutex mutex_;
  std::condition_variable gone_;
  bool go_ = false;
};

}  // namespace stint
