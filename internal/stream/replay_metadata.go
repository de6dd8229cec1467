package stream

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Keys of a replay's metadata. Whoever serves it reads them there, so that it
// needs no other place to keep them.
const (
	metaTarget = "cioevents.target"
	metaSince  = "cioevents.since"
	metaUntil  = "cioevents.until"
	metaFilter = "cioevents.filter"
	metaEnd    = "cioevents.end"
	metaTotal  = "cioevents.total"
)

func (r *Replay) metadata() map[string]string {
	m := map[string]string{
		metaTarget: r.Target,
		metaUntil:  formatTime(r.Until),
		metaEnd:    strconv.FormatUint(r.End, 10),
		metaTotal:  strconv.FormatUint(r.Total, 10),
	}
	if !r.Since.IsZero() {
		m[metaSince] = formatTime(r.Since)
	}
	if r.Filter != "" {
		m[metaFilter] = r.Filter
	}
	return m
}

// replayOf reads a replay back from its consumer.
func replayOf(info *jetstream.ConsumerInfo) Replay {
	m := info.Config.Metadata
	end, _ := strconv.ParseUint(m[metaEnd], 10, 64) // 0 ends it at once, when somebody else has made it
	total, _ := strconv.ParseUint(m[metaTotal], 10, 64)
	r := Replay{
		ID: strings.TrimPrefix(info.Name, replayPrefix), Target: m[metaTarget], Filter: m[metaFilter],
		Since: parseTime(m[metaSince]), Until: parseTime(m[metaUntil]), End: end, Total: total,
		StartedAt: info.Created, subjects: info.Config.FilterSubjects,
	}
	if len(r.subjects) == 0 {
		r.subjects = []string{cmp.Or(info.Config.FilterSubject, AllEvents)}
	}
	// The floor stays below a message that is still to be settled. It also
	// stays behind when no event follows: then nothing is left.
	r.Done = info.AckFloor.Stream >= end || info.NumPending == 0 && info.NumAckPending == 0
	r.Begun = info.Delivered.Consumer > 0
	return r
}

func isReplay(info *jetstream.ConsumerInfo) bool { return strings.HasPrefix(info.Name, replayPrefix) }
