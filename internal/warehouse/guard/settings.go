package guard

import (
	"fmt"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/privacy"
)

// The settings of the secret and of the policy.
const (
	KeySetting  = "PRIVACY_KEY"
	FileSetting = "PRIVACY_FILE"
)

// Settings are the settings of personal data in warehouses.
type Settings struct {
	// Key has the secret PRIVACY_KEY. Without the secret Key is zero.
	Key privacy.Key
	// Policy is the policy of PRIVACY_FILE, nil without a file.
	Policy *Policy

	file, secret string
}

// defaultKeyID is the id of the key without a file that names the key. No text of the
// warehouse contains the id.
const defaultKeyID = "k1"

// Declare adds the settings to the set.
func (s *Settings) Declare(set *config.Set) {
	set.Secret(&s.secret, KeySetting, "secret of the marks of erased persons, 32 characters or more; required once cioctl person erase has erased somebody, and the same for all workers and cioctl. Never change it afterwards: marks of another secret stop the warehouses")
	set.String(&s.file, FileSetting, "", "path of a file that says which personal data the warehouses store, see docs/configuration.md; without a file they store everything")
	set.Check(s.check)
}

// Given reports whether PRIVACY_FILE names a file. Policy is nil for a file with a mistake.
func (s *Settings) Given() bool { return s.file != "" }

// KeyOrNil returns Key, nil without the secret.
func (s *Settings) KeyOrNil() *privacy.Key {
	if s.Key.IsZero() {
		return nil
	}
	return &s.Key
}

func (s *Settings) check() (err error) {
	if s.file != "" {
		if s.Policy, err = readPolicy(FileSetting, s.file, s.secret); err != nil {
			return err
		}
	}
	if s.secret == "" {
		return nil
	}
	if s.Policy != nil && !s.Policy.key.IsZero() {
		s.Key = s.Policy.key
		return nil
	}
	if s.Key, err = privacy.NewKey(defaultKeyID, []byte(s.secret)); err != nil {
		return fmt.Errorf("%s: %w", KeySetting, err)
	}
	return nil
}
