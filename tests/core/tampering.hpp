// Breaks the broker's promises from within, to see that it is noticed. Nothing else reaches into its ledger.
#pragma once

#include "broker/core/broker.hpp"

namespace stint::broker {

struct Tampering {
  Broker& broker;

  Job& job(JobId id) { return *broker.jobs_.at(id); }
  Worker& worker(const std::string& name) { return *broker.workers_.at(name); }
  void backlog_grows() { ++broker.backlog_bytes_; }
};

}  // namespace stint::broker
