package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// metaConfig is the key of a signature in a consumer's metadata. A worker signs the
// properties that the worker sets; unsigned properties were set by hand. Without the
// signature, two workers with different rules would set each other's filters back for
// ever.
const metaConfig = "cioevents.config"

// startAfter makes a consumer start after a floor.
func startAfter(cfg *jetstream.ConsumerConfig, floor uint64) {
	if floor > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, floor+1
	}
}

// sign adds the signature of the properties.
func sign(cfg jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	metadata := map[string]string{metaConfig: signature(cfg)}
	for key, value := range cfg.Metadata {
		if key != metaConfig && !strings.HasPrefix(key, "_nats.") { // added by the server
			metadata[key] = value
		}
	}
	cfg.Metadata = metadata
	return cfg
}

// properties returns the properties that decide which messages a consumer delivers and
// how often, by name.
func properties(cfg jetstream.ConsumerConfig) [][2]string {
	filters := slices.Sorted(slices.Values(filtersOf(&cfg)))
	list := [][2]string{
		{"filters", strings.Join(filters, " ")},
		{"max deliver", strconv.Itoa(max(cfg.MaxDeliver, -1))},
		{"ack wait", cfg.AckWait.String()},
		{"max ack pending", strconv.Itoa(cfg.MaxAckPending)},
		{"backoff", fmt.Sprint(cfg.BackOff)},
		{"headers only", strconv.FormatBool(cfg.HeadersOnly)},
		{"inactive threshold", cfg.InactiveThreshold.String()},
		{"max batch", fmt.Sprint(cfg.MaxRequestBatch, cfg.MaxRequestMaxBytes, cfg.MaxRequestExpires)},
		{"priority groups", fmt.Sprint(cfg.PriorityPolicy, cfg.PriorityGroups)},
	}
	return list
}

func signature(cfg jetstream.ConsumerConfig) string {
	sum := sha256.Sum256(fmt.Append(nil, properties(cfg)))
	return hex.EncodeToString(sum[:8])
}

// changedConfig returns the properties of have that differ from want, as text.
func changedConfig(have, want jetstream.ConsumerConfig) (lines []string) {
	wanted := properties(want)
	for i, p := range properties(have) {
		if p != wanted[i] {
			lines = append(lines, fmt.Sprintf("%s is %s, wanted is %s", p[0], orNone(p[1]), orNone(wanted[i][1])))
		}
	}
	return lines
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// isSigned reports whether a worker has set the properties as they are.
func isSigned(cfg jetstream.ConsumerConfig) bool { return cfg.Metadata[metaConfig] == signature(cfg) }

// setBack returns the configuration of a running consumer with the wanted properties.
// The start stays, because the server cannot change the start.
func setBack(have, want jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	cfg := have
	cfg.Description = want.Description
	cfg.FilterSubject, cfg.FilterSubjects = "", want.FilterSubjects
	cfg.MaxDeliver, cfg.AckWait, cfg.MaxAckPending, cfg.BackOff = want.MaxDeliver, want.AckWait, want.MaxAckPending, nil
	cfg.HeadersOnly, cfg.InactiveThreshold = false, 0
	cfg.MaxRequestBatch, cfg.MaxRequestMaxBytes, cfg.MaxRequestExpires = 0, 0, 0
	cfg.PriorityPolicy, cfg.PriorityGroups = want.PriorityPolicy, nil
	return sign(cfg)
}

// isUnusable names a property of a consumer that was created by hand: the property loses
// messages, and the server cannot change the property. isUnusable returns "" for a
// usable consumer.
func isUnusable(cfg jetstream.ConsumerConfig) string {
	switch {
	case cfg.AckPolicy != jetstream.AckExplicitPolicy:
		return "its ack policy is " + cfg.AckPolicy.String() + " instead of explicit"
	case cfg.DeliverSubject != "":
		return "it is a push consumer"
	case cfg.MemoryStorage:
		return "it is stored in memory"
	default:
		return ""
	}
}
