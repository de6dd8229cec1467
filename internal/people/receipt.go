package people

import (
	"cmp"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
)

// A Receipt says what an erasure has done. A receipt has no identifier, only marks: with
// PRIVACY_KEY an operator can show that a mark stands for an identifier.
type Receipt struct {
	Request string    `json:"request"`
	At      time.Time `json:"at"`
	Rows    bool      `json:"rows,omitempty"` // rows were deleted, not anonymised
	// Persons has the marks of each person.
	Persons []MarkedPerson `json:"persons"`
	// DroppedEffects counts the deleted dead letters whose effect was never performed.
	DroppedEffects int            `json:"dropped_effects,omitempty"`
	Stores         []StoreReceipt `json:"stores"`
	// Clean is set when no byte of the persons is left anywhere, now or from CleanAt on,
	// without further action.
	Clean bool `json:"clean"`
	// CleanAt is the day of the last store, zero for now.
	CleanAt time.Time `json:"clean_at,omitzero"`
}

// A MarkedPerson is a person of a receipt.
type MarkedPerson struct {
	Workspace string `json:"workspace"`
	Marks     []Mark `json:"marks"`
	// Further are Person.Further: the person's events had them, and their other events stay.
	Further []Mark `json:"further,omitempty"`
}

// A Mark stands for an identifier.
type Mark struct {
	Kind privacy.Kind `json:"kind"`
	Mark string       `json:"mark"`
}

// The states of a store after an erasure.
const (
	Clean      = "clean"       // no byte is left
	CleanLater = "clean_later" // from clean_at on
	NotClean   = "not_clean"   // until somebody acts as the note says
	Failed     = "failed"
)

// A StoreReceipt is the result in one store.
type StoreReceipt struct {
	Store string `json:"store"`
	// Found counts the events before, Erased the erased ones, and Left those that the last
	// look has found.
	Found  int64 `json:"found"`
	Erased int64 `json:"erased"`
	Left   int64 `json:"left"`
	// Stay is StoreCount.Stay.
	Stay    int64     `json:"stay,omitempty"`
	Status  string    `json:"status"`
	CleanAt time.Time `json:"clean_at,omitzero"`
	Note    string    `json:"note,omitempty"`
}

// add adds the result of a call of Erase.
func (s *StoreReceipt) add(e privacy.Erased, err error) {
	s.Erased += e.Events
	s.CleanAt, s.Note, s.Status = later(s.CleanAt, e.CleanAt), cmp.Or(e.Note, s.Note), Clean
	switch {
	case err != nil:
		s.Status, s.Note = Failed, err.Error()
	case e.NotClean:
		s.Status = NotClean
	case !s.CleanAt.IsZero():
		s.Status = CleanLater
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// finish sets the state of the whole.
func (r *Receipt) finish() {
	r.Clean = !slices.ContainsFunc(r.Stores, func(s StoreReceipt) bool { return s.Status == NotClean || s.Status == Failed })
	for _, s := range r.Stores {
		r.CleanAt = later(r.CleanAt, s.CleanAt)
	}
}
