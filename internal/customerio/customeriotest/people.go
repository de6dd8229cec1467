package customeriotest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Profile is a person.
type Profile struct {
	CioID string
	ID    string
	Email string // lower case, because an address identifies one person in any case
	Phone string // E.164
	// Attributes are strings, booleans, int64, float64 and other JSON values, without
	// identifiers, _update and _timestamp.
	Attributes map[string]any
}

// A key is an identifier and its kind.
type key struct{ kind, value string }

// keyOf tells the kind of an identifier from its form, as Customer.io does.
func keyOf(identifier string) key {
	if id, ok := strings.CutPrefix(identifier, "cio_"); ok {
		return key{"cio_id", id}
	}
	if strings.Contains(identifier, "@") {
		return emailKey(identifier)
	}
	return key{"id", identifier}
}

func emailKey(email string) key { return key{"email", strings.ToLower(email)} }

type stamped struct {
	value any
	at    int64
}

type person struct {
	order      int
	cioID      string
	id, email  string
	phone      string
	attributes map[string]stamped
}

func (p *person) keys() []key {
	keys := []key{{"cio_id", p.cioID}}
	if p.id != "" {
		keys = append(keys, key{"id", p.id})
	}
	if p.email != "" {
		keys = append(keys, emailKey(p.email))
	}
	if p.phone != "" {
		keys = append(keys, key{"phone", p.phone})
	}
	return keys
}

func (p *person) export() Profile {
	out := Profile{CioID: p.cioID, ID: p.id, Email: p.email, Phone: p.phone, Attributes: make(map[string]any, len(p.attributes))}
	for name, a := range p.attributes {
		out.Attributes[name] = a.value
	}
	return out
}

// set writes an attribute unless the attribute has a value with a later time. With
// equal times the later call wins.
func (p *person) set(name string, value any, at int64) {
	if old, ok := p.attributes[name]; ok && old.at > at {
		return
	}
	p.attributes[name] = stamped{value, at}
}

// people are the profiles of a workspace, and the identifiers that may not be used
// again.
type people struct {
	knowsEverybody bool
	byKey          map[key]*person
	blocked        map[key]bool // suppressed
	gone           map[key]bool // cio_ids of deleted people
	made           int
}

func newPeople(knowsEverybody bool) people {
	return people{
		knowsEverybody: knowsEverybody,
		byKey:          map[key]*person{}, blocked: map[key]bool{}, gone: map[key]bool{},
	}
}

func (pp *people) find(k key) (*person, bool) {
	p, ok := pp.byKey[k]
	return p, ok
}

func (pp *people) all() []Profile {
	list := make([]*person, 0, len(pp.byKey))
	for k, p := range pp.byKey {
		if k.kind == "cio_id" {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *person) int { return cmp.Compare(a.order, b.order) })
	out := make([]Profile, len(list))
	for i, p := range list {
		out[i] = p.export()
	}
	return out
}

func (pp *people) create(k key) *person {
	pp.made++
	p := &person{order: pp.made, attributes: map[string]stamped{}}
	if k.kind == "cio_id" {
		p.cioID = k.value
	} else {
		p.cioID = fmt.Sprintf("fa4e%08x", pp.made)
	}
	pp.byKey[key{"cio_id", p.cioID}] = p
	pp.assign(p, k)
	return p
}

// assign gives p an identifier, unless the identifier belongs to another person.
func (pp *people) assign(p *person, k key) bool {
	if owner, ok := pp.byKey[k]; ok && owner != p || pp.blocked[k] {
		return false
	}
	switch k.kind {
	case "id":
		delete(pp.byKey, key{"id", p.id})
		p.id = k.value
	case "email":
		delete(pp.byKey, emailKey(p.email))
		p.email = k.value
	case "phone":
		delete(pp.byKey, key{"phone", p.phone})
		p.phone = k.value
	}
	pp.byKey[k] = p
	return true
}

func (pp *people) seed(profile Profile) {
	k := key{"", ""}
	if profile.CioID != "" {
		k = key{"cio_id", profile.CioID}
	}
	p := pp.create(k)
	if profile.ID != "" {
		pp.assign(p, key{"id", profile.ID})
	}
	if profile.Email != "" {
		pp.assign(p, emailKey(profile.Email))
	}
	if profile.Phone != "" {
		pp.assign(p, key{"phone", profile.Phone})
	}
	for name, value := range maps.All(profile.Attributes) {
		p.set(name, value, 0)
	}
}

// remove deletes the person with the key, if there is a person. With block, the person's
// identifiers are never used again.
func (pp *people) remove(k key, block bool) {
	keys := []key{k}
	if p, ok := pp.byKey[k]; ok {
		keys = p.keys()
	}
	for _, k := range keys {
		delete(pp.byKey, k)
		switch {
		case k.kind == "cio_id":
			pp.gone[k] = true
		case block:
			pp.blocked[k] = true
		}
	}
}
