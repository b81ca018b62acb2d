// stint-broker: options, signals, log and context around broker/shell.
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "broker/shell/descriptors.hpp"
#include "broker/shell/end_on_broken_promise.hpp"
#include "broker/shell/options.hpp"
#include "broker/shell/shell.hpp"
#include "broker/store/check.hpp"
#include "broker/store/memory_store.hpp"
#include "broker/store/sqlite_store.hpp"
#include "common/model/escape.hpp"
#include "common/net/allocator.hpp"
#include "common/net/random.hpp"
#include "common/net/signals.hpp"
#include "common/system/standard_streams.hpp"

namespace {

using namespace stint::broker;  // NOLINT(google-build-using-namespace): this file is the broker

constexpr int kEnded = 0;
constexpr int kCannotServe = 1;
constexpr int kUsage = 2;
constexpr int kDiskFailed = 74;  // EX_IOERR of sysexits.h
constexpr int kSignalled = 128;  // and the number of the signal

// In a thread of its own behind a bounded queue, because a terminal that was stopped with ^S must not stop the broker.
std::shared_ptr<spdlog::logger> make_logger(const ShellOptions& options) {
  auto logger = spdlog::create_async_nb<spdlog::sinks::stderr_color_sink_mt>("stint-broker");
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(options.log_level));
  return logger;
}

void warn_of_few_descriptors(spdlog::logger& logger) {
  constexpr std::uint64_t kComfortable = 4'096;
  const std::uint64_t peers = raise_descriptor_limit();
  if (peers < kComfortable) {
    logger.warn("the limit of open files allows {} peers; raise it with ulimit -n for more", peers);
  }
}

void announce(const Shell& shell, const ShellOptions& options, spdlog::logger& logger) {
  std::cout << "stint-broker ready listen=" << shell.listen() << " events=" << shell.events()
            << " mode=" << (options.memory ? "memory" : "durable") << " epoch=" << options.core.epoch
            << " store=" << std::hex << std::setw(16) << std::setfill('0') << stint::value(options.core.store);
  if (!options.memory) std::cout << " data=" << options.data;
  std::cout << std::endl;
  if (!std::cout) logger.warn("the ready line cannot be written to standard output; whoever waits for it waits in vain");
}

struct OpenStore {
  std::unique_ptr<StoreInterface> store;
  Found found;
};

OpenStore open_store(ShellOptions& options, spdlog::logger& logger) {
  options.core.store = stint::StoreId{stint::random_bits()};
  if (options.memory) {
    logger.info("keeping jobs in memory: they survive worker crashes only, not the end of this broker");
    return {std::make_unique<MemoryStore>(), {}};
  }
  if (options.data.empty()) options.data = default_directory();
  SqliteOptions where;
  where.directory = options.data;
  where.fresh = options.core.store;
  where.reserve_bytes = options.reserve_bytes;
  auto store = std::make_unique<SqliteStore>(where);
  Opened opened = store->take_opened();
  options.core.store = opened.store;
  options.core.epoch = opened.epoch;
  options.core.durable = true;
  options.core.first_lease = stint::random_bits() >> (64 - stint::limits::kLeaseBits + 1);
  logger.info("keeping jobs in {}: what was acknowledged survives the end of this broker, kill -9 and power cuts; jobs found: {}",
              stint::escaped(options.data), opened.found.jobs.size());
  return {std::move(store), std::move(opened.found)};
}

int check(const std::string& directory) {
  const CheckReport report = check_store(directory);
  std::cout << report.text;
  return report.findings.empty() ? kEnded : kCannotServe;
}

int serve(ShellOptions options) {
  const auto logger = make_logger(options);
  warn_of_few_descriptors(*logger);
  options.core.random = stint::random_bits();
  OpenStore open = open_store(options, *logger);

  zmq::context_t context;
  stint::Signals
      signals;  // ends before the context, so that a signal while the last messages leave ends the process at once
  Shell shell(context, options, *open.store, *logger, std::move(open.found));
  const EndOnBrokenPromise guard(shell.recorder());
  announce(shell, options, *logger);
  try {
    if (shell.run(&signals)) {
      logger->info("ended");
      return kEnded;
    }
  } catch (const StoreError& error) {  // nothing may leave that is not durable: no farewell
    std::cerr << "stint-broker: " << error.what() << std::endl;
    std::_Exit(kDiskFailed);
  }
  std::_Exit(kSignalled + signals.last());  // asked twice: nothing more is waited for, neither a log nor a socket
}

int run(int argc, char** argv) {
  const CommandLine line = parse_command_line(argc, argv);
  if (line.help) std::cout << help_text();
  if (line.version) std::cout << "stint-broker " STINT_VERSION "\n";
  if (line.help || line.version) return kEnded;
  return line.options.check.empty() ? serve(line.options) : check(line.options.check);
}

}  // namespace

int main(int argc, char** argv) {
  stint::hold_standard_streams();
  stint::tune_allocator();
  stint::ignore_broken_pipes();
  try {
    return run(argc, argv);
  } catch (const UsageError& error) {
    std::cerr << "stint-broker: " << error.what() << ". See stint-broker --help.\n";
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "stint-broker: " << error.what() << '\n';
    return kCannotServe;
  }
}
