package main

import (
	"fmt"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/privacy"
)

// keySetting is PRIVACY_KEY.
type keySetting struct {
	secret string
	key    *privacy.Key // nil without the setting
}

// Declare adds the setting to the set.
func (k *keySetting) Declare(s *config.Set) {
	s.Secret(&k.secret, "PRIVACY_KEY", "secret of the marks of erased persons, the same as for the workers")
	s.Check(func() error {
		if k.secret == "" {
			return nil
		}
		key, err := privacy.NewKey("k1", []byte(k.secret))
		if err != nil {
			return fmt.Errorf("PRIVACY_KEY: %w", err)
		}
		k.key = &key
		return nil
	})
}
