// Package audit proves that no event is missing: it compares the deliveries that
// Customer.io lists with the rows of a warehouse, and the events of the stream with the
// rows.
package audit

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Fresh is the age below which a metric is not compared: its webhook may be on the way.
const Fresh = time.Hour

// DefaultLookback is the age of a delivery at the start of an audit from which on its
// metrics are not compared.
const DefaultLookback = 30 * 24 * time.Hour

// A Lister lists deliveries as customerio.App does.
type Lister interface {
	Deliveries(ctx context.Context, q customerio.DeliveryQuery) iter.Seq2[customerio.Delivery, error]
	HasDelivery(ctx context.Context, id string) (bool, error)
}

// Events is the stream, as stream.Conn has it.
type Events interface {
	TailEvents(ctx context.Context, s stream.Selection, fn func(event.Attempt) bool) error
	StoreLink(ctx context.Context, consumer string) (stream.StoreLink, error)
}

// A Warehouse opens a warehouse, as place.Place does.
type Warehouse interface {
	// Scan returns a reader and tables, each with a part of the rows. An event may have
	// several rows.
	Scan(ctx context.Context) (r warehouse.Reader, tables []string, err error)
	// ReplacesFiles reports whether the files of a table can be gone before they are read.
	ReplacesFiles() bool
}

// Erased tells whose events were erased, as guard.Guard does.
type Erased interface {
	// IsErased reports whether an event is an erased person's. An error means that nobody
	// can tell at the moment.
	IsErased(workspace string, e *webhook.Event) (bool, error)
}

// An Order describes an audit. Workspace, Since, Until and Warehouse are required.
type Order struct {
	Workspace string
	// Since and Until bound the time of a metric. For the stream they bound the time of
	// receipt, and of a later event the time at which it occurred. Until is exclusive, and
	// at least Fresh ago.
	Since, Until time.Time
	Warehouse    Warehouse
	// Wait bounds the wait for the warehouse. Default 30 s.
	Wait time.Duration
	// Consumer is the consumer that fills the warehouse. Required with Stream.
	Consumer string
	// App lists what Customer.io knows. Default: no comparison with Customer.io.
	App Lister
	// Lookback is the age at Since of the oldest deliveries to list. The App API lists
	// deliveries by their creation. Default DefaultLookback.
	Lookback time.Duration
	// Erased tells whose missing metrics are no gap: the person was erased, and nothing may
	// bring the events back. Required by Fill. Default: the metrics of erased persons are
	// missing, too.
	Erased Erased
	// Stream is compared with the warehouse. Default: no comparison with the stream.
	Stream Events
	// Missing is called for each gap, in the order of discovery: first those of the
	// stream. An error ends the audit. Default: gaps are counted only.
	Missing func(Gap) error
	// Step is called with the part of the audit that is done, from 0 to 1. Default: not.
	Step func(done float64)
}

// A Gap is an event that has no row in the warehouse.
type Gap struct {
	Message
	DeliveryID string         `json:"delivery_id"`
	Metric     webhook.Metric `json:"metric"`
	At         time.Time      `json:"timestamp"`
	// Created is the time at which Customer.io created the delivery, zero for a gap that
	// only the stream tells of.
	Created time.Time `json:"created,omitzero"`
	// Sequence is the event's place in the stream, 0 if the event is not in the stream or
	// the stream was not compared.
	Sequence uint64 `json:"stream_sequence,omitempty"`
	// EventID is set together with Sequence.
	EventID string `json:"event_id,omitempty"`
	// Delivery is what Customer.io lists, until Missing returns; nil for a gap that the stream
	// tells of.
	Delivery *customerio.Delivery `json:"-"`
}

// A Message identifies a message of a source. SourceID is "" for a transactional message
// of which the warehouse has no row: the App API does not list its id.
type Message struct {
	ObjectType webhook.ObjectType `json:"object_type"`
	Source     string             `json:"source"`
	SourceID   string             `json:"source_id"`
	ActionID   int64              `json:"action_id,omitempty"`
	ContentID  int64              `json:"content_id,omitempty"`
}

// A Line compares a metric of a message. A delivery counts once.
type Line struct {
	Message
	Metric webhook.Metric `json:"metric"`
	// Customerio and Here are the deliveries with the metric in the period: Here is
	// Customerio without Missing, and with OnlyHere.
	Customerio int `json:"customerio"`
	Here       int `json:"here"`
	Missing    int `json:"missing"`
	// OnlyHere counts deliveries that Customer.io does not list, or lists without the
	// metric. They are no gap: a person may have been deleted.
	OnlyHere int `json:"only_here"`
}

// A Result is the outcome of an audit. Lists are never nil.
type Result struct {
	Workspace string    `json:"workspace"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	// Missing counts the gaps of both comparisons, each once.
	Missing int `json:"missing"`
	// Customerio is nil without the comparison.
	Customerio *Comparison `json:"customerio"`
	// Stream is nil without the comparison.
	Stream *StreamComparison `json:"stream"`
}

// A Comparison has the numbers of Customer.io.
type Comparison struct {
	// Listed is the creation of the oldest deliveries that Customer.io was asked for.
	Listed time.Time `json:"listed_since"`
	// Deliveries counts the deliveries that Customer.io lists.
	Deliveries int    `json:"deliveries"`
	Lines      []Line `json:"messages"`
	// Missing and OnlyHere are the sums of Lines.
	Missing  int `json:"missing"`
	OnlyHere int `json:"only_here"`
	// Waiting counts metrics whose event is in the stream and has no row yet, because the
	// worker is behind.
	Waiting int `json:"waiting"`
	// Forgotten counts metrics of persons whose data Customer.io has erased, and NoWebhook
	// metrics that no reporting webhook has a word for. None of the three is compared.
	Forgotten int `json:"forgotten"`
	NoWebhook int `json:"no_webhook"`
	// Erased counts metrics without a row of persons whom cioctl person erase has erased.
	// None of the metrics is compared. ErasedUnknown is set without Order.Erased.
	Erased        int  `json:"erased"`
	ErasedUnknown bool `json:"erased_unknown,omitempty"`
}

// A StreamComparison has the numbers of the stream.
type StreamComparison struct {
	Events  int `json:"events"`
	Missing int `json:"missing"`
	// Waiting counts events that the consumer has not settled yet, Unreadable messages that
	// are no event, and Old events that occurred more than 8 days before the period, such
	// as those of a backfill. None of the three is missing.
	Waiting    int `json:"waiting"`
	Unreadable int `json:"unreadable"`
	Old        int `json:"old"`
}

// An absence says why an event of the stream has no row.
type absence uint8

const (
	late absence = iota + 1 // no row yet
	lost
)

// An auditor is the state of an audit.
type auditor struct {
	Order

	index  *index
	sample sample
	rows   keys
	// streamed has the events of the stream without a row: hashes of the event, and of
	// the delivery and the metric.
	streamed map[uint64]absence
	found    int // gaps, each once
}

// Run compares. The error is about an audit that could not be finished; a gap is no error.
//
// The memory is 30 to 60 bytes for each delivery and 8 for each event in the warehouse, and a
// page of the App API. A process took 96 MB with 2,000 deliveries in a DuckDB file, and 183 MB
// with a million in a Parquet folder. The number of files changes nothing.
func Run(ctx context.Context, o Order) (*Result, error) {
	if o.App == nil && o.Stream == nil {
		return nil, errors.New("nothing to compare the warehouse with: give an App API key or a stream")
	}
	a := &auditor{Order: o, index: newIndex(), streamed: map[uint64]absence{}}
	if a.Wait == 0 {
		a.Wait = 30 * time.Second
	}
	if a.Lookback == 0 {
		a.Lookback = DefaultLookback
	}
	settled, err := a.settled(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	r := &Result{Workspace: a.Workspace, Since: a.Since.UTC(), Until: a.Until.UTC()}
	if a.Stream != nil {
		if r.Stream, err = a.compareStream(ctx, settled); err != nil {
			return nil, err
		}
	}
	if a.App != nil {
		if r.Customerio, err = a.compareCustomerio(ctx); err != nil {
			return nil, err
		}
	}
	r.Missing = a.found
	a.step(1)
	return r, nil
}

func (a *auditor) step(done float64) {
	if a.Step != nil {
		a.Step(min(1, max(0, done)))
	}
}

func (a *auditor) missing(g Gap) error {
	a.found++
	if a.Missing == nil {
		return nil
	}
	return a.Missing(g)
}
