package parquet

import (
	"bytes"
	"context"
	"fmt"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A hit is a row of a person.
type hit struct {
	index   int // of the row in its row group
	row     warehouse.Row
	persons []int // the indexes
}

// A finder looks for the rows of persons in files. It reads the columns with identifiers,
// and a payload where the columns cannot decide: phone numbers are in payloads only, and
// rows of the first release have no identifier_email.
type finder struct {
	search *privacy.Search
	ids    map[string]bool // the texts of customer_id and cio_id
	emails map[string]bool
	phones map[string]bool
	reader merge // for its buffer
}

func newFinder(s *privacy.Search) *finder {
	f := &finder{search: s, ids: map[string]bool{}, emails: map[string]bool{}, phones: map[string]bool{}, reader: merge{buffer: make([]pq.Value, chunkRows)}}
	for _, t := range s.Texts(privacy.ID) {
		f.ids[t] = true
	}
	for _, t := range s.Texts(privacy.CioID) {
		f.ids[t] = true
	}
	for _, t := range s.Texts(privacy.Email) {
		f.emails[t] = true
	}
	for _, t := range s.Texts(privacy.Phone) {
		f.phones[t] = true
	}
	return f
}

// eachHit calls do with the hits of each row group of a file that has any.
func (f *finder) eachHit(ctx context.Context, path string, do func(hits []hit) error) error {
	err := withFile(path, func(file *pq.File) error {
		return eachGroup(ctx, file, func(g group) error {
			hits, err := f.hits(g)
			if err == nil && len(hits) > 0 {
				err = do(hits)
			}
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("search %s: %w", path, err)
	}
	return nil
}

// hits returns the hits of a row group.
func (f *finder) hits(g group) ([]hit, error) {
	candidates, err := f.candidates(g)
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	rows, err := readRows(&f.reader, g, candidates)
	if err != nil {
		return nil, err
	}
	var hits []hit
	for i, index := range candidates {
		if of, ok := f.search.Match(rows[i].Workspace, identityOf(&rows[i])); ok {
			hits = append(hits, hit{index: index, row: rows[i], persons: of})
		}
	}
	return hits, nil
}

// identityOf returns the event of a row as far as Search.Match reads it. The columns may
// have hashed values, and come before the payload.
func identityOf(r *warehouse.Row) *webhook.Event {
	e := &webhook.Event{ObjectType: r.ObjectType, EmailAddress: r.Address, Recipient: r.Recipient, Identifiers: r.Identifiers}
	e.Identifiers.ID = r.PersonID
	var body webhook.Event
	if webhook.ParseInto(&body, r.Raw) == nil {
		e.Identifiers.Phone = body.Identifiers.Phone
		if e.Identifiers.Email == "" {
			e.Identifiers.Email = body.Identifiers.Email
		}
	}
	return e
}

// What the columns of a row say.
const (
	isHit      = 1 << iota // an identifier of a person
	hasID                  // an identifier of anybody
	hasEmail               // identifier_email
	hasContact             // a recipient or an address that may be a person's
)

// candidates returns the rows that may be hits.
func (f *finder) candidates(g group) (indexes []int, err error) {
	said := make([]uint8, g.rows)
	for name, judge := range map[string]func([]byte) uint8{
		"customer_id":      f.judgeID,
		"cio_id":           f.judgeID,
		"identifier_email": f.judgeEmail,
		"email_address":    f.judgeContact,
		"recipient":        f.judgeContact,
	} {
		if err := f.reader.values(g, name, func(i int, v pq.Value) {
			if text := bytes.TrimSpace(v.ByteArray()); len(text) > 0 {
				said[i] |= judge(text)
			}
		}); err != nil {
			return nil, err
		}
	}
	if err := f.judgePayloads(g, said); err != nil {
		return nil, err
	}
	for i, s := range said {
		if s&isHit > 0 || s&(hasID|hasEmail) == 0 && s&hasContact > 0 {
			indexes = append(indexes, i)
		}
	}
	return indexes, nil
}

func (f *finder) judgeID(text []byte) uint8 {
	if f.ids[string(text)] {
		return hasID | isHit
	}
	return hasID
}

func (f *finder) judgeEmail(text []byte) uint8 {
	if f.mayBeEmail(text) {
		return hasEmail | isHit
	}
	return hasEmail
}

func (f *finder) judgeContact(text []byte) uint8 {
	if f.phones[string(text)] || f.mayBeEmail(text) {
		return hasContact
	}
	return 0
}

// mayBeEmail reports whether a text may be the address of a person. A text with more
// characters than an address of letters and digits may have any address: the Search decides.
func (f *finder) mayBeEmail(text []byte) bool {
	if len(f.emails) == 0 {
		return false
	}
	var lower [254]byte // the longest address, of RFC 5321
	for i, c := range text {
		switch {
		case i == len(lower), c <= ' ', c > '~', c == '<', c == '>', c == '"', c == '(', c == '[', c == '\\':
			return bytes.IndexByte(text, '@') >= 0
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return f.emails[string(lower[:len(text)])]
}

// judgePayloads reads the payloads of rows whose columns cannot decide.
func (f *finder) judgePayloads(g group, said []uint8) error {
	if len(f.phones) == 0 && len(f.emails) == 0 {
		return nil
	}
	var e webhook.Event
	return f.reader.values(g, payload, func(i int, v pq.Value) {
		if said[i]&isHit > 0 || len(f.phones) == 0 && said[i]&hasEmail > 0 || webhook.ParseInto(&e, v.ByteArray()) != nil {
			return
		}
		if f.phones[string(bytes.TrimSpace([]byte(e.Identifiers.Phone)))] || f.mayBeEmail(bytes.TrimSpace([]byte(e.Identifiers.Email))) {
			said[i] |= isHit
		}
	})
}

// readRows returns some rows of a group: the key, the times, the derived columns that a
// policy keeps, the Personal columns and the payload. The indexes are in order.
func readRows(m *merge, g group, indexes []int) ([]warehouse.Row, error) {
	rows := make([]warehouse.Row, len(indexes))
	read := func(name string, set func(*warehouse.Row, pq.Value)) error {
		next := 0
		return m.values(g, name, func(i int, v pq.Value) {
			if next < len(indexes) && indexes[next] == i {
				set(&rows[next], v)
				next++
			}
		})
	}
	for name, set := range rowFields {
		if err := read(name, set); err != nil {
			return nil, err
		}
	}
	for _, c := range warehouse.Columns() {
		if !c.Personal {
			continue
		}
		if err := read(c.Name, func(r *warehouse.Row, v pq.Value) { *c.Field(r) = string(v.ByteArray()) }); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

var rowFields = map[string]func(*warehouse.Row, pq.Value){
	"workspace":        func(r *warehouse.Row, v pq.Value) { r.Workspace = string(v.ByteArray()) },
	"event_id":         func(r *warehouse.Row, v pq.Value) { r.EventID = string(v.ByteArray()) },
	"metric":           func(r *warehouse.Row, v pq.Value) { r.Metric = webhook.Metric(v.ByteArray()) },
	"object_type":      func(r *warehouse.Row, v pq.Value) { r.ObjectType = webhook.ObjectType(v.ByteArray()) },
	"recipient_domain": func(r *warehouse.Row, v pq.Value) { r.Domain = string(v.ByteArray()) },
	"mailbox_provider": func(r *warehouse.Row, v pq.Value) { r.Provider = string(v.ByteArray()) },
	"bounce_class":     func(r *warehouse.Row, v pq.Value) { r.Bounce = string(v.ByteArray()) },
	"stream_sequence":  func(r *warehouse.Row, v pq.Value) { r.Sequence = uint64(v.Int64()) },
	"timestamp":        func(r *warehouse.Row, v pq.Value) { r.Timestamp = timeOf(v) },
	erasedAt:           func(r *warehouse.Row, v pq.Value) { r.ErasedAt = timeOf(v) },
	payload:            func(r *warehouse.Row, v pq.Value) { r.Raw = bytes.Clone(v.ByteArray()) },
}

func timeOf(v pq.Value) time.Time {
	if v.IsNull() {
		return time.Time{}
	}
	return time.UnixMicro(v.Int64()).UTC()
}
