package privacytest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// oddIDs are ids with bytes that mean something to SQL or end a text in C, and the id of
// somebody else, which has the same bytes before its NUL.
var (
	oddIDs  = []string{"odd-1", "odd-\x001", "\x00odd", "odd\x00\x00", "o'dd\x00'1", `odd\x00`, `odd\'`, "odd\n1", "odd\x01", "odd\u20281", "odd\ufffd1"}
	otherID = "odd-\x002"
)

// anyBytes checks that a person is found, exported and erased whatever bytes the identifiers
// have. The kind of fault: an identifier becomes a part of SQL, and NUL ends the statement.
func anyBytes(s *suite) {
	p := privacy.Person{Workspace: Workspace, Identifiers: []privacy.Identifier{{Kind: privacy.Email, Value: "odd@mail.example"}}}
	var theirs []Event
	for _, id := range oddIDs {
		theirs = append(theirs, oddEvent(len(theirs), id, "odd@mail.example"))
		p.Identifiers = append(p.Identifiers, privacy.Identifier{Kind: privacy.ID, Value: id})
	}
	byPhone := oddEvent(len(theirs), "", "")
	byPhone.Body = fmt.Appendf(nil, `{"event_id":%q,"object_type":"sms","metric":"sent","timestamp":%d,"data":{"identifiers":{"phone":"+1\u00005"},"delivery_id":"D"}}`, byPhone.ID, byPhone.At.Unix())
	p.Identifiers = append(p.Identifiers, privacy.Identifier{Kind: privacy.Phone, Value: "+1\x005"})
	theirs = append(theirs, byPhone)
	others := []Event{oddEvent(len(theirs), otherID, "even@mail.example"), oddEvent(len(theirs)+1, "odd", "even@mail.example")}
	s.Add(s.T, append(theirs, others...))

	nobody := privacy.Person{Workspace: Workspace, Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "odd-\xff1"}}}
	other := privacy.Person{Workspace: Workspace, Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: otherID}}}
	s.checkFound(append(theirs, others...), p, other, nobody)
	for i, id := range p.Identifiers { // few identifiers and many are different searches
		s.checkFound(theirs, privacy.Person{Workspace: Workspace, Identifiers: p.Identifiers[i : i+1]})
		if id.Kind == privacy.ID {
			s.checkRelatedIncludes(id)
		}
	}
	exported := 0
	if err := s.store.Export(s.Context(), p, func(privacy.Record) error { exported++; return nil }); err != nil || exported != len(theirs) {
		s.Errorf("Export called with %d events, %v; want %d", exported, err, len(theirs))
	}
	if got := s.erase(privacy.EraseOptions{}, p); got.Events != int64(len(theirs)) {
		s.Errorf("Erase removed the data of %d events; want %d", got.Events, len(theirs))
	}
	s.checkFound(nil, p)
	s.checkFound(others, other)
}

// checkRelatedIncludes checks that an id leads to the address of its event.
func (s *suite) checkRelatedIncludes(id privacy.Identifier) {
	s.Helper()
	got, err := s.store.Related(s.Context(), Workspace, []privacy.Identifier{id})
	if err != nil || !s.Unrelated && len(got) == 0 {
		s.Errorf("Related %q: %q, %v", id, got, err)
	}
}

func oddEvent(n int, id, email string) Event {
	e := Event{Workspace, "odd-event-" + strconv.Itoa(n), webhook.Sent, begin.Add(time.Hour + time.Duration(n)*time.Second), nil}
	text, err := json.Marshal(id)
	if err != nil {
		panic(err) // a fault of this file
	}
	e.Body = fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":"sent","timestamp":%d,"data":{"identifiers":{"id":%s,"email":%q},"delivery_id":"D%d"}}`, e.ID, e.At.Unix(), text, email, n)
	return e
}
