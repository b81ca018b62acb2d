// What the client library throws. Every text names the thing, and what helps.
//
//   try {
//     job.write(line);
//   } catch (const stint::Conflict& error) {      // the key belongs to a job with other input
//     ...
//   } catch (const stint::ClientError& error) {   // anything else that can go wrong with a broker
//     std::cerr << error.what() << '\n';
//   }
//
// A lost connection is no error: the client comes back by itself and goes on where it was.
#pragma once

#include <stdexcept>
#include <string>

#include "stint/error.hpp"

namespace stint {

class ClientError : public std::runtime_error {
 public:
  explicit ClientError(const std::string& text, ErrorCode code = {}) : std::runtime_error(text), code_(code) {}
  ErrorCode code() const { return code_; }  // the protocol's code; 0 where the broker has said nothing

 private:
  ErrorCode code_;
};

// No broker answers: within ClientOptions::timeout at first, or within ClientOptions::patience later.
class Unreachable : public ClientError {
 public:
  using ClientError::ClientError;
};

// A call was given a timeout, and it passed. Nothing is lost: call again.
class TimedOut : public ClientError {
 public:
  using ClientError::ClientError;
};

// Client::interrupt() was called.
class Interrupted : public ClientError {
 public:
  using ClientError::ClientError;
};

// The broker, or the library in its place, says no. code() says why.
class Refused : public ClientError {
 public:
  using ClientError::ClientError;
};

// The key belongs to a job with other options or other input. The first one stands.
class Conflict : public Refused {
 public:
  using Refused::Refused;
};

// A newer reader has taken over the results of a streaming job.
class Displaced : public Refused {
 public:
  using Refused::Refused;
};

// The broker was restarted without its memory (or its data was replaced): the job and what it held do not exist any
// more.
class JobGone : public ClientError {
 public:
  using ClientError::ClientError;
};

}  // namespace stint
