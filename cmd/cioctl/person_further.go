package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
)

// furtherAdvice says which events stay because of further identifiers, and what to do. The
// text has no identifier.
func furtherAdvice(kinds []privacy.Kind, stay []string) string {
	var flags []string
	for _, kind := range privacy.Kinds() {
		if slices.Contains(kinds, kind) {
			flags = append(flags, "--"+kindFlag(kind))
		}
	}
	events := "Events with one of them alone stay: "
	if len(stay) == 0 {
		events = "No event has one of them alone today"
	}
	return fmt.Sprintf("%s%s. If they are the person's, name them, too: %s.", events, strings.Join(stay, ", "), strings.Join(flags, ", "))
}

// furtherOfFound is the advice of find and of a plan.
func furtherOfFound(p personFound) string {
	var kinds []privacy.Kind
	for _, id := range p.Further {
		kinds = append(kinds, id.Kind)
	}
	var stay []string
	for _, s := range p.Stores {
		if s.Stay > 0 {
			stay = append(stay, fmt.Sprintf("%d in %s", s.Stay, s.Store))
		}
	}
	return "FURTHER identifiers stand in events of the person, and an erasure destroys the link to them. " + furtherAdvice(kinds, stay)
}

// furtherOfReceipt is the advice after an erasure, "" without further identifiers.
func furtherOfReceipt(r *people.Receipt) string {
	var kinds []privacy.Kind
	var names, stay []string
	for _, p := range r.Persons {
		for _, m := range p.Further {
			kinds, names = append(kinds, m.Kind), append(names, string(m.Kind))
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	for _, s := range r.Stores {
		if s.Stay > 0 {
			stay = append(stay, fmt.Sprintf("%d in %s", s.Stay, s.Store))
		}
	}
	return fmt.Sprintf("%s (%s) stood in the erased events and were not erased. %s", count(len(kinds), "further identifier"), strings.Join(names, ", "), furtherAdvice(kinds, stay))
}
