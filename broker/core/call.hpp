// A public call of the broker: binds time and outbox for its duration. Everything below may then use now_ and out_.
#pragma once

#include "broker/core/broker.hpp"

namespace stint::broker {

class Broker::Call {
 public:
  Call(Broker& broker, TimePoint now, Outbox& out) : broker_(broker) {
    broker_.now_ = now;
    broker_.out_ = &out;
    broker_.awake_.turn(now);
  }
  Call(Broker& broker, Outbox& out) : broker_(broker) { broker_.out_ = &out; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { broker_.out_ = nullptr; }

 private:
  Broker& broker_;
};

}  // namespace stint::broker
