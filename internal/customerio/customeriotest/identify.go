package customeriotest

import "maps"

// identify applies the body of an identify call. identify returns false when the call
// has no person to change. now is the time of a body without _timestamp.
func (pp *people) identify(k key, body map[string]any, now int64) bool {
	p, ok := pp.resolve(k, body)
	if !ok {
		return false
	}
	at, ok := body["_timestamp"].(int64)
	if !ok {
		at = now
	}
	for name, value := range maps.All(body) {
		switch name {
		case "_update", "_timestamp", "cio_id":
		case "id", "email":
			pp.setIdentifier(p, k, name, value)
		default:
			p.set(name, value, at)
		}
	}
	return true
}

// resolve finds or creates the person of a call.
func (pp *people) resolve(k key, body map[string]any) (*person, bool) {
	if pp.blocked[k] || pp.gone[k] {
		return nil, false
	}
	if p, ok := pp.byKey[k]; ok {
		return p, true
	}
	if k.kind != "cio_id" {
		for _, other := range bodyKeys(body) {
			if pp.blocked[other] {
				return nil, false
			}
			if p, ok := pp.byKey[other]; ok && pp.assign(p, k) {
				return p, true
			}
		}
	}
	update, _ := body["_update"].(bool)
	if !pp.knowsEverybody && (update || k.kind == "cio_id") {
		return nil, false
	}
	return pp.create(k), true
}

// setIdentifier changes an identifier under Customer.io's conditions: the person has no
// such identifier yet, or the call addresses the person by cio_id.
func (pp *people) setIdentifier(p *person, k key, name string, value any) {
	s, ok := value.(string)
	if !ok || s == "" {
		return
	}
	if current := map[string]string{"id": p.id, "email": p.email}[name]; current != "" && k.kind != "cio_id" {
		return
	}
	if name == "email" {
		pp.assign(p, emailKey(s))
		return
	}
	pp.assign(p, key{"id", s})
}

func bodyKeys(body map[string]any) []key {
	var keys []key
	if id, ok := body["id"].(string); ok && id != "" {
		keys = append(keys, key{"id", id})
	}
	if email, ok := body["email"].(string); ok && email != "" {
		keys = append(keys, emailKey(email))
	}
	return keys
}
