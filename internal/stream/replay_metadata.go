package stream

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Keys in the metadata of a replay's consumer. The consumer is the only record of a
// replay: workers read the replay from the metadata.
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

// replayOf decodes a replay from its consumer.
func replayOf(info *jetstream.ConsumerInfo) Replay {
	m := info.Config.Metadata
	end, _ := strconv.ParseUint(m[metaEnd], 10, 64) // 0 finishes a replay that another program has created
	total, _ := strconv.ParseUint(m[metaTotal], 10, 64)
	r := Replay{
		ID: strings.TrimPrefix(info.Name, replayPrefix), Target: m[metaTarget], Filter: m[metaFilter],
		Since: parseTime(m[metaSince]), Until: parseTime(m[metaUntil]), End: end, Total: total,
		StartedAt: info.Created, subjects: filtersOf(&info.Config),
	}
	if len(r.subjects) == 0 {
		r.subjects = []string{AllEvents}
	}
	// AckFloor stays below the first unsettled message. AckFloor also stays below End
	// when no event follows the last event of the replay: then no message is left.
	r.Done = info.AckFloor.Stream >= end || info.NumPending == 0 && info.NumAckPending == 0
	r.Begun = info.Delivered.Consumer > 0
	return r
}

func isReplay(info *jetstream.ConsumerInfo) bool { return strings.HasPrefix(info.Name, replayPrefix) }
