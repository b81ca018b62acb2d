// Every limit of Stint, each with its unit in the name or the type and one sentence that says what it bounds. The broker tells its
// peers those that they must obey, in WELCOME.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/model/time.hpp"

namespace stint::limits {

constexpr std::uint64_t kKiB = 1024;         // bytes in a kibibyte
constexpr std::uint64_t kMiB = 1024 * kKiB;  // bytes in a mebibyte

// Sizes on the wire.
constexpr std::uint64_t kMaxPayloadBytes = 8 * kMiB;    // One task's payload, and one result's two outputs together.
constexpr std::uint64_t kBatchBytes = 256 * kKiB;       // A sender aims at messages of this size; one task may exceed it.
constexpr std::uint64_t kMaxFrameBytes = 16 * kMiB;     // ZMQ_MAXMSGSIZE: a peer that sends a larger frame is disconnected.
constexpr std::uint32_t kMaxBatchTasks = 65'536;        // Tasks in one message.
constexpr std::uint32_t kMaxResultTasks = 16'384;       // Results in one message of a worker: their tables fit the first frame.
constexpr std::uint64_t kMaxHeadBytes = 4 * kMiB;       // The first frame: header and body with the tables of a full batch.
constexpr std::uint32_t kMaxBodyElements = 65'536;      // Elements of any one msgpack array or map.
constexpr std::uint32_t kMaxBodyDepth = 8;              // Nesting of msgpack values in a body.
constexpr std::uint32_t kMaxBodyFields = 64;            // Fields of one map of a body, of one row of an answer, of one event.
constexpr std::uint64_t kMaxContextBytes = 64 * kKiB;   // A job's context, sent to each worker once a session.
constexpr std::uint32_t kMaxNameBytes = 255;            // Names, keys and kinds.
constexpr std::uint32_t kMaxTopicBytes = 1'024;         // An event's topic: a name, escaped, and what it is the name of.
constexpr std::uint32_t kMaxTextBytes = 4'096;          // Free text: reasons, errors, progress notes.
constexpr std::uint32_t kMaxKinds = 256;                // Kinds that one worker may advertise.
constexpr std::uint32_t kMaxSlots = 4'096;              // Slots that one worker may advertise; more are clamped.
constexpr std::uint32_t kMaxHeldLeases = 4'096;         // Leases that a greeting worker may name.
constexpr std::uint32_t kMaxHeldTasks = 1'048'576;       // Tasks that a greeting worker may name.

// Windows: how far a sender may go.
constexpr std::uint32_t kSubmitWindowTasks = 131'072;       // Tasks sent beyond what the broker has accepted.
constexpr std::uint64_t kSubmitWindowBytes = 16 * kMiB;     // Bytes sent beyond what the broker has accepted.
constexpr std::uint32_t kStreamBacklogTasks = 131'072;      // Tasks of a streaming job that are accepted and not handed out.
constexpr std::uint64_t kStreamBacklogBytes = 16 * kMiB;    // Bytes of such tasks.
constexpr std::uint32_t kResultWindowTasks = 65'536;        // Fresh tasks handed out beyond what the reader acknowledged.
constexpr std::uint64_t kResultWindowBytes = 32 * kMiB;     // Bytes of results beyond what the reader acknowledged.
constexpr std::uint32_t kReaderWindowTasks = 65'536;        // Results sent to a reader beyond its acknowledgement.
constexpr std::uint64_t kReaderWindowBytes = 16 * kMiB;     // Bytes of such results.
constexpr std::uint32_t kMaxUnendedTasks = 65'536;          // Tasks of one job that are handed out and unended.
constexpr std::uint64_t kWorkerWindowBytes = 16 * kMiB;     // Payload bytes in flight to one worker.
constexpr std::uint64_t kWorkerUnackedBytes = 16 * kMiB;    // Results that a worker holds unacknowledged.
constexpr std::uint64_t kDefaultBacklogBytes = 1024 * kMiB; // Payloads queued in memory, all jobs together.
constexpr std::uint32_t kBacklogShareTasks = 8'192;         // Tasks that a job may have queued though the backlog is full.
constexpr std::uint64_t kBacklogShareBytes = 256 * kKiB;    // Bytes of such tasks.
constexpr std::uint64_t kDefaultKeepBytes = 512 * kMiB;     // Results kept in memory, all jobs together.
constexpr std::uint64_t kMaxUncommittedBytes = 64 * kMiB;   // Payloads and results that wait for the store; then nothing is handed out.
constexpr std::uint64_t kReadAheadBytes = 4 * kMiB;         // What is read back from the store at once, and held ahead of dispatch for a job.
constexpr std::uint64_t kHeldBacklogBytes = 64 * kMiB;      // Queued payloads in memory, all jobs together, beyond which the store alone has them.
constexpr std::uint64_t kCrowdedShare = 64;                 // Of its share of memory a job has one part in so many while all together hold too much.
constexpr std::uint32_t kReservedTasks = 64;                // Fresh tasks of a job that may be handed out without asking the store again.
constexpr std::uint64_t kLettersBytes = 256 * kMiB;         // Payloads of failed tasks kept in memory for a retry, all jobs together.
constexpr std::uint32_t kLeaseBits = 40;                    // A lease's number within the broker's start that made it.
constexpr std::uint32_t kDeadLetterBytes = 64;             // What keeping a failed task costs beside its payload.
constexpr std::uint32_t kDefaultKeptJobs = 1'000;           // Ended jobs remembered; the oldest are forgotten first.

// The store on a disk.
constexpr std::uint64_t kStoreReserveBytes = 64 * kMiB;   // Disk space kept for finishing what runs when the disk is full.
constexpr std::uint64_t kStoreLogBytes = 64 * kMiB;       // SQLite's log is moved into the main file when it is so large.
constexpr std::uint64_t kStoreQuietLogBytes = 2 * kMiB;   // The same while commits are small ...
constexpr std::uint64_t kStoreQuietCommits = 16;          // ... which they are when so many in a row were.
constexpr std::uint64_t kStoreCacheBytes = 16 * kMiB;     // Pages of the store that SQLite holds in memory.
constexpr std::uint64_t kStorePageBytes = 4 * kKiB;       // A page of the store: what a commit of next to nothing writes.
constexpr std::uint64_t kStoreCommitBytes = 16 * kMiB;    // Payload bytes in one transaction; more wait for the next.
constexpr std::uint32_t kStoreRunsPerRow = 8'192;         // Runs of ended tasks in one row.
constexpr std::uint64_t kStoreResultSpan = 131'072;       // From the lowest to the highest task of which one row holds results.
constexpr std::uint32_t kStoreSweepRows = 1'024;          // Superfluous rows that one transaction removes ...
constexpr std::uint64_t kStoreSweepBytes = 8 * kMiB;      // ... and bytes of payloads in them.
constexpr std::size_t kStoreFewChanges = 8;               // A commit of so few changes leaves removing to a later one ...
constexpr std::uint32_t kStoreUnsweptCommits = 16;        // ... but of so many commits, one removes.
constexpr std::uint64_t kStoreJournalTasks = 16;          // A commit of few changes, with so few tasks ...
constexpr std::uint64_t kStoreJournalBytes = 4 * kKiB;    // ... and so few bytes of payload, goes into the journal ...
constexpr std::uint32_t kStoreJournalCommits = 64;        // ... from which so many are written into their tables together.
constexpr Duration kStoreRoomCheck = 1s;                  // While the disk is full, its free space is looked at so often.

// Peers, requests and answers.
constexpr std::uint32_t kMaxPeers = 65'536;            // Peers in session at once; further greetings are refused.
constexpr std::uint32_t kMaxJobs = 100'000;            // Jobs not yet forgotten.
constexpr std::uint32_t kMaxSubscriptions = 4'096;     // Distinct event topics subscribed to at once.
constexpr std::uint32_t kRetiredTopics = 10'000;       // Workers that left whose events would still be numbered without a gap.
constexpr std::uint32_t kStoredAnswers = 10'000;       // Answers to commands kept for their repetition.
constexpr std::uint32_t kMaxRowsPerAnswer = 256;       // Rows in one ANSWER; the rest follows behind its cursor.
constexpr std::uint32_t kTolerated = 32;               // Malformed messages from one address before it is ignored.
constexpr std::uint32_t kErrorRepliesPerTurn = 256;    // Error replies sent in one turn; the rest is only counted.

// Sockets. ZeroMQ counts messages; bytes are bounded by the windows.
constexpr int kReceiveMessages = 1'000;          // Messages from its broker that wait unread in a worker or client.
constexpr int kReceiveMessagesPerPeer = 64;      // Messages of one peer that wait unread in the broker.
constexpr int kWatcherMessages = 10'000;         // Events that wait unread in a watcher; further ones are dropped.
constexpr std::uint32_t kWatcherFrames = 64;     // Frames of one message that a watcher reads; the rest is dropped.
constexpr std::uint32_t kWorkerMessagesPerTurn = 64; // Messages that a worker reads before it sees to its slots.
constexpr int kKeepaliveSeconds = 30;            // TCP asks so often whether an idle connection's other end is there.
constexpr Duration kHandshake = 10s;             // A connection that has not finished ZeroMQ's handshake by then is closed.
constexpr int kListenBacklog = 1'024;            // Connections that wait to be taken in when all peers come back at once.

// One turn of the broker's loop.
constexpr std::size_t kTurnMessagesMin = 256;        // Messages read before anything else happens, with few peers.
constexpr std::size_t kTurnMessagesMax = 4'096;      // The same with many peers; in between it is the number of peers.
constexpr std::uint64_t kTurnBytes = 16 * kMiB;      // Bytes read before anything else happens.
constexpr std::size_t kTurnSubscriptions = 1'024;    // Subscriptions read before anything else happens.
constexpr std::size_t kStrangers = 4'096;            // Addresses remembered for malformed messages; the oldest are forgotten.
constexpr Duration kGoodbye = 500ms;                 // How long the last messages of an ending broker may take to leave.
constexpr Duration kShutDown = 10s;                  // How long an ending broker waits for its store.
constexpr std::uint64_t kRecordBytes = 1024 * kMiB;      // A recording ends at this size, unless --record-bytes says otherwise.
constexpr std::uint64_t kRecordBufferBytes = 64 * kMiB;  // Of a recording, what may wait for the disk; beyond, it ends.
constexpr std::uint64_t kRecordWriteBytes = 64 * kKiB;   // A recording is written in blocks of about this size ...
constexpr Duration kRecordDelay = 100ms;                 // ... or after so long.
constexpr std::uint64_t kSpareDescriptors = 64;      // File descriptors that the broker needs for itself.

// The client's own measures.
constexpr std::uint32_t kBatchTasks = 8'192;         // Tasks that a client puts into one message, so that small ones flow too.
constexpr std::size_t kEagerMessages = 4;            // Unaccepted messages up to which a task goes out without company.
constexpr std::size_t kWaitingBatches = 4;           // Full batches of a job that wait in the client; then write() waits.
constexpr Duration kAckDelay = 100ms;                // A result read is acknowledged at the latest after so long ...
constexpr Duration kAckSpacing = 5ms;                // ... and not more often than this, unless half the window is used.
constexpr std::size_t kClientTurnMessages = 256;     // Messages that a client reads before it looks at anything else.
constexpr Duration kClientGoodbye = 500ms;           // How long the last messages of a client may take to leave.

// Watching.
constexpr std::size_t kWatchedTopics = 65'536;  // Topics of which a watcher remembers what it has told.
constexpr Duration kJobSilence = 5s;            // A watched job silent for so long is asked after.
constexpr Duration kStrangerGrace = 3s;         // No Stint broker heard for so long: the socket may be another program's.
constexpr Duration kRedraw = 100ms;             // Redrawn bars are at least this far apart.
constexpr Duration kPlainLine = 10s;            // Without a terminal, a line of progress comes this often ...
constexpr std::uint64_t kPlainLinePercent = 5;  // ... or after so much progress.
constexpr Duration kLastingStall = 2s;          // A job that stands still for so long is worth a message.
constexpr Duration kJobPoll = 200ms;            // A waiting command asks for a job's counts this often.
constexpr Duration kPaceSample = 250ms;         // The shown rate is sampled at most so often ...
constexpr Duration kPaceWindow = 10s;           // ... and is an average over this long.

// The command line.
constexpr std::size_t kReadBytes = 512 * kKiB;            // Standard input is read in blocks of about this size.
constexpr std::size_t kWriteBytes = 256 * kKiB;           // Standard output is written at the latest when so much has gathered.
constexpr std::uint64_t kFailuresToldAtOnce = 10;         // The first failed tasks are told one by one ...
constexpr Duration kFailureLine = 1s;                     // ... and then one in so long.
constexpr std::size_t kFailureGroups = 1'000;             // Kinds of failure that are told apart.
constexpr std::size_t kFailureGroupsShown = 3;            // Of them, those named in a summary.
constexpr std::size_t kShownErrorColumns = 200;           // Of an error's text, what a line about it shows.
constexpr Duration kLeaveGrace = 5s;                      // An interrupted command waits so long for the broker's answer.

// Waiting.
constexpr Duration kHeartbeat = 2s;            // The shortest heartbeat interval; it grows by 1 ms a peer.
constexpr int kLiveness = 3;                   // Heartbeats missed before a peer is gone.
constexpr Duration kWriterGrace = 60s;         // A writer unheard for so long is gone.
constexpr Duration kProgressInterval = 50ms;   // Progress events of a job are at least this far apart.
constexpr Duration kAcceptDelay = 20ms;        // An acceptance that nobody waits for is told after so long.
constexpr Duration kResultsAckDelay = 20ms;    // A worker hears at the latest after so long that results are durable ...
constexpr std::uint64_t kResultsAckBytes = 1 * kMiB;  // ... or after so many bytes of them.
constexpr Duration kStallDelay = 500ms;        // A job that stands still for so long is told to be stalled.
constexpr Duration kRecallAfter = 20ms;        // A lease without a result for so long may be asked for what it has not started.
constexpr Duration kElsewhere = 1s;            // How long a retry waits for another worker than the one that failed.
constexpr Duration kReconnectMin = 100ms;      // The first wait before a new connection or the same HELLO; doubled each time.
constexpr Duration kReconnectMax = 2s;         // The longest of these waits, if a heartbeat interval is longer.
constexpr Duration kTimeoutGrace = 5s;         // How long a task told to stop may take before its slot is written off.
constexpr Duration kCommandGrace = 3s;         // How long a command that was sent TERM may take before it is sent KILL.
constexpr Duration kFarewellWait = 10s;        // How long a leaving worker waits for its results to be acknowledged.
constexpr Duration kWorkerLinger = 1s;         // How long the goodbye of a worker may take to leave.
constexpr Duration kHandlerPatience = 200ms;   // How long an ending worker waits for handlers that were told to stop.
constexpr Duration kQuickestTask = 1250ns;     // A task is taken to last at least so long: what the clock cannot see is not nothing.
constexpr Duration kJobTurn = 400us;           // A slot that has worked on a job for so long lets the next one have its turn.
constexpr Duration kResultWait = 600us;        // A quick task's result waits at most so long for those that follow it.
constexpr Duration kMeasuredWork = 10ms;       // A worker is given more at once while its slots hold less work than this.

// Budgets of a task, unless its job says otherwise.
constexpr std::uint32_t kDefaultMaxAttempts = 3;  // Handing-outs of a task whose handler says no.
constexpr std::uint32_t kDefaultMaxLosses = 3;    // Workers lost while running a task before it fails.
constexpr Duration kDefaultBackoffBase = 1s;      // The wait before the first retry; doubled each time.
constexpr Duration kDefaultBackoffCap = 60s;      // The longest wait before a retry.

}  // namespace stint::limits
