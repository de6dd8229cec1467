package stream

import "github.com/nats-io/nats.go/jetstream"

// stateStream is the name of the stream that stores the bucket.
const stateStream = "KV_" + StateName

// stateStream returns the stream of the bucket as nats.go creates it (ADR-8 of NATS),
// with two differences. AllowDirect is off: any replica could answer a direct get,
// with an old value. DenyDelete is off: a deleted key leaves the disk.
func (s Settings) stateStream() jetstream.StreamConfig {
	cfg := s.base(stateStream, "What cioevents' workers remember: positions of consumers, counters")
	cfg.Subjects = []string{"$KV." + StateName + ".>"}
	cfg.MaxMsgsPerSubject = 1
	cfg.MaxBytes = stateMaxBytes
	cfg.AllowRollup = true
	// A Create with a TTL needs AllowMsgTTL.
	cfg.AllowMsgTTL = true
	return cfg
}
