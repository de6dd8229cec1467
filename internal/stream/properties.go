package stream

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// A property is a part of a stream's configuration on which a promise rests.
type property struct {
	name  string
	value func(*jetstream.StreamConfig) any
	// harm says what another value does.
	harm string
	// breaks reports whether the value breaks a promise: the program is then not ready.
	// nil means no.
	breaks func(have *jetstream.StreamConfig) bool
	// fixed reports whether nats-server refuses to change the value
	// (configUpdateCheckLocked in stream.go of nats-server 2.15). nil means no.
	fixed func(have *jetstream.StreamConfig) bool
}

// properties lists the properties that no setting chooses. Everything else is the
// operator's choice, for example placement, compression and republishing.
var streamProperties = []property{
	{
		"retention", func(c *jetstream.StreamConfig) any { return c.Retention },
		"the stream deletes acknowledged messages", always, isWorkQueue,
	},
	{
		"storage", func(c *jetstream.StreamConfig) any { return c.Storage },
		"a restart of the server loses the messages", always, always,
	},
	{
		"persist mode", func(c *jetstream.StreamConfig) any { return c.PersistMode },
		"the stream acknowledges a message before the message is on disk", always, always,
	},
	{
		"discard policy", func(c *jetstream.StreamConfig) any { return c.Discard },
		"a full stream deletes its oldest messages, handled or not", hasSize, nil,
	},
	{
		"max messages", func(c *jetstream.StreamConfig) any { return limit(c.MaxMsgs) },
		"the stream is full at this number", nil, nil,
	},
	{
		"max messages per subject", func(c *jetstream.StreamConfig) any { return limit(c.MaxMsgsPerSubject) },
		"the stream keeps only so many messages of a subject", always, nil,
	},
	{
		"max message size", func(c *jetstream.StreamConfig) any { return limit(c.MaxMsgSize) },
		"the stream refuses larger messages, and ingest stores them as dead letters", refusesEvents, nil,
	},
	{
		"max consumers", func(c *jetstream.StreamConfig) any { return limit(c.MaxConsumers) },
		"the stream refuses further consumers and replays", nil, nil,
	},
	{
		"consumer limits", func(c *jetstream.StreamConfig) any { return c.ConsumerLimits },
		"the stream may refuse or delete consumers", nil, nil,
	},
	{
		"no ack", func(c *jetstream.StreamConfig) any { return c.NoAck },
		"ingest never hears that a message is stored", always, nil,
	},
	{
		"sealed", func(c *jetstream.StreamConfig) any { return c.Sealed },
		"the stream refuses messages", always, always,
	},
	{
		"mirror", func(c *jetstream.StreamConfig) any { return sourceNames(c.Mirror) },
		"a mirror refuses messages", always, nil,
	},
	{
		"sources", func(c *jetstream.StreamConfig) any { return sourceNames(c.Sources...) },
		"the stream stores messages that no ingest has verified", nil, nil,
	},
	{
		"subject transform", func(c *jetstream.StreamConfig) any { return transformText(c.SubjectTransform) },
		"consumers do not see messages with other subjects", always, nil,
	},
	{
		"message counter", func(c *jetstream.StreamConfig) any { return c.AllowMsgCounter },
		"the stream refuses messages", always, always,
	},
	{
		"rollups", func(c *jetstream.StreamConfig) any { return c.AllowRollup },
		"a header of a message can delete other messages", nil, nil,
	},
	{
		"subject delete marker TTL", func(c *jetstream.StreamConfig) any { return c.SubjectDeleteMarkerTTL },
		"the stream stores messages that no ingest has verified when events expire", nil, nil,
	},
}

func always(*jetstream.StreamConfig) bool { return true }

func isWorkQueue(have *jetstream.StreamConfig) bool {
	return have.Retention == jetstream.WorkQueuePolicy
}

func hasSize(have *jetstream.StreamConfig) bool { return have.MaxBytes > 0 || have.MaxMsgs > 0 }

// usualEvent is the size in bytes of an event with its headers that a stream must accept.
// Customer.io's samples have less than 4 KiB with headers. Below the size, most events
// would become dead letters; above the size, only the unusual ones.
const usualEvent = 16 << 10

func refusesEvents(have *jetstream.StreamConfig) bool {
	return have.MaxMsgSize > 0 && have.MaxMsgSize < usualEvent
}

// limit returns n, and -1 for any way to write no limit.
func limit[N int | int32 | int64](n N) int64 {
	if n <= 0 {
		return -1
	}
	return int64(n)
}

func sourceNames(sources ...*jetstream.StreamSource) string {
	names := []string{}
	for _, s := range sources {
		if s != nil {
			names = append(names, s.Name)
		}
	}
	return orNone(strings.Join(names, " "))
}

func transformText(t *jetstream.SubjectTransformConfig) string {
	if t == nil {
		return orNone("")
	}
	return t.Source + " to " + t.Destination
}

// missingSubjects returns the wanted subjects that a stream does not store.
func missingSubjects(have, want []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(subject string) bool {
		return slices.ContainsFunc(have, func(pattern string) bool { return covers(pattern, subject) })
	})
}

// covers reports whether every subject that matches the second pattern also matches the
// first.
func covers(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range p {
		switch {
		case i >= len(s):
			return false
		case token == ">":
			return true
		case s[i] == ">", token != "*" && token != s[i]:
			return false
		}
	}
	return len(p) == len(s)
}

// applied returns the configuration of a running stream with the wanted properties and
// settings, as far as NATS changes them. Other properties stay as the operator has
// chosen them.
func applied(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	cfg := have
	cfg.Description, cfg.Subjects = want.Description, want.Subjects
	cfg.Replicas, cfg.MaxAge, cfg.MaxBytes, cfg.Duplicates = want.Replicas, want.MaxAge, want.MaxBytes, want.Duplicates
	if !isWorkQueue(&have) {
		cfg.Retention = want.Retention
	}
	if !have.AllowMsgCounter { // a stream of counters cannot discard new messages
		cfg.Discard = want.Discard
	}
	cfg.DiscardNewPerSubject = false
	cfg.MaxMsgs, cfg.MaxMsgsPerSubject, cfg.MaxMsgSize, cfg.MaxConsumers = want.MaxMsgs, want.MaxMsgsPerSubject, want.MaxMsgSize, want.MaxConsumers
	cfg.ConsumerLimits, cfg.NoAck, cfg.AllowRollup = want.ConsumerLimits, want.NoAck, want.AllowRollup
	cfg.SubjectDeleteMarkerTTL = want.SubjectDeleteMarkerTTL // nats-server sets AllowRollup with any TTL
	cfg.Mirror, cfg.Sources, cfg.SubjectTransform = nil, nil, nil
	return cfg
}

// settingNames are the names of the properties of a stream that a setting chooses, or
// that differ between the streams.
func settingNames(stream string) (age, bytes, window string) {
	if stream == DeadName {
		return "max age", "DEAD_STREAM_MAX_BYTES", "duplicate window"
	}
	return "STREAM_MAX_AGE", "STREAM_MAX_BYTES", "DEDUP_WINDOW"
}

// sizeSetting returns the name of the setting of a stream's size.
func sizeSetting(stream string) string {
	_, bytes, _ := settingNames(stream)
	return bytes
}

// A difference is a property of a running stream that has another value than wanted.
type difference struct{ name, have, want string }

// settingDifferences returns the settings that a running stream does not have.
func settingDifferences(have, want jetstream.StreamConfig) (list []difference) {
	add := func(name string, have, want any) {
		if have != want {
			list = append(list, difference{name, fmt.Sprint(have), fmt.Sprint(want)})
		}
	}
	age, bytes, window := settingNames(want.Name)
	add("STREAM_REPLICAS", have.Replicas, want.Replicas)
	add(age, ageText(have.MaxAge), ageText(want.MaxAge))
	add(bytes, sizeText(have.MaxBytes), sizeText(want.MaxBytes))
	add(window, ageText(have.Duplicates), ageText(want.Duplicates))
	return list
}
