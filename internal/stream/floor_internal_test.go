package stream

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

var (
	thisStream  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	otherStream = thisStream.Add(-time.Hour)
	consumerAt  = thisStream.Add(time.Minute)
)

// consumerWith returns a consumer that has settled all messages up to ack, and was
// created with a start after the sequence start (0: from the beginning).
func consumerWith(ack, start uint64) *jetstream.ConsumerInfo {
	info := &jetstream.ConsumerInfo{Created: consumerAt}
	info.AckFloor.Stream = ack
	startAfter(&info.Config, start)
	return info
}

func startingNew(ack uint64) *jetstream.ConsumerInfo {
	info := consumerWith(ack, 0)
	info.Config.DeliverPolicy = jetstream.DeliverNewPolicy
	return info
}

func TestJudge(t *testing.T) {
	t.Parallel()
	at := func(sequence uint64) *floor { return &floor{Stream: thisStream, Sequence: sequence} }
	chosen := &floor{Stream: thisStream, Sequence: 20, Started: consumerAt, Replaces: consumerAt}
	for name, tt := range map[string]struct {
		position
		want   verdict
		wantAt uint64
	}{
		"missing, floor known":                  {position{floor: at(50)}, createConsumer, 50},
		"missing, nothing settled":              {position{floor: at(0)}, createConsumer, 0},
		"missing, no floor":                     {position{}, judgeMissing, 0},
		"missing, no floor, known to worker":    {position{seen: at(50)}, createConsumer, 50},
		"missing, floor of another stream":      {position{floor: &floor{Stream: otherStream, Sequence: 50}}, createConsumer, 0},
		"missing, floor of a new bucket":        {position{floor: &floor{Stream: thisStream, Fresh: true}, seen: at(50)}, createConsumer, 50},
		"missing, floor beyond the stream":      {position{floor: at(500)}, createConsumer, 100},
		"missing, an operator's choice":         {position{floor: chosen, seen: at(50)}, createConsumer, 20},
		"missing, stream restored":              {position{floor: &floor{Stream: otherStream, Sequence: 50}, copied: true}, restoredStream, 0},
		"missing, stream restored, floor known": {position{floor: at(50), copied: true}, createConsumer, 50},
		"missing, stream restored, from 0":      {position{floor: at(0), copied: true}, createConsumer, 0},
		"there, stream restored":                {position{floor: &floor{Stream: otherStream, Sequence: 50}, copied: true, have: consumerWith(60, 0)}, adoptConsumer, 60},
		"there, no floor":                       {position{have: consumerWith(60, 0)}, adoptConsumer, 60},
		"there, floor of another stream":        {position{floor: &floor{Stream: otherStream, Sequence: 90}, have: consumerWith(60, 0)}, adoptConsumer, 60},
		"there, has gone on":                    {position{floor: at(50), have: consumerWith(60, 0)}, keepConsumer, 60},
		"there, where it was":                   {position{floor: at(50), have: consumerWith(50, 50)}, keepConsumer, 50},
		"restored, has gone on":                 {position{floor: at(50), have: consumerWith(60, 50)}, keepConsumer, 60},
		"started over by somebody":              {position{floor: at(50), have: consumerWith(3, 0)}, resetConsumer, 50},
		"created by hand, later":                {position{floor: at(50), have: consumerWith(70, 70)}, foreignStart, 50},
		"created by hand, new only":             {position{floor: at(50), have: startingNew(100)}, foreignStart, 50},
		"created by hand, new only, no floor":   {position{have: startingNew(100)}, foreignStart, 0},
		"not deleted yet by the command":        {position{floor: chosen, have: consumerWith(60, 0)}, beingReplaced, 20},
		"created after the command":             {position{floor: &floor{Stream: thisStream, Sequence: 20, Started: consumerAt, Replaces: otherStream}, have: consumerWith(25, 20)}, keepConsumer, 25},
		"lower by an operator, worker knows 50": {position{floor: at(20), seen: at(50), have: consumerWith(20, 20)}, keepConsumer, 20},
	} {
		tt.stream, tt.last = thisStream, 100
		if got, gotAt := tt.judge(); got != tt.want || gotAt != tt.wantAt {
			t.Errorf("%s: judge() = %d, %d, want %d, %d", name, got, gotAt, tt.want, tt.wantAt)
		}
	}
}

func TestIsCopied(t *testing.T) {
	t.Parallel()
	for first, want := range map[time.Time]bool{thisStream.Add(time.Hour): false, thisStream.Add(-time.Second): false, otherStream: true} {
		info := &jetstream.StreamInfo{Created: thisStream, State: jetstream.StreamState{Msgs: 1, FirstTime: first}}
		if got := isCopied(info); got != want {
			t.Errorf("first message at %s: isCopied = %v", first, got)
		}
	}
	if isCopied(&jetstream.StreamInfo{Created: thisStream}) {
		t.Error("an empty stream counts as copied")
	}
}

func TestFloorText(t *testing.T) {
	t.Parallel()
	for _, f := range []floor{
		{Stream: thisStream, Sequence: 7},
		{Stream: thisStream.Add(123456789 * time.Nanosecond), Sequence: 1 << 60, Started: consumerAt, Replaces: consumerAt},
		{Stream: thisStream, Fresh: true},
	} {
		got, err := parseFloor(f.json())
		if err != nil || !got.equal(&f) {
			t.Errorf("parseFloor(%s) = %+v, %v", f.json(), got, err)
		}
	}
	if f, err := parseFloor([]byte("7")); err == nil {
		t.Errorf("parseFloor(7) = %+v", f)
	}
}
