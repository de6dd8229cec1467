package guard

import (
	"fmt"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/privacy"
)

// KeySetting is the setting of the secret.
const KeySetting = "PRIVACY_KEY"

// Settings are the settings of personal data in warehouses.
type Settings struct {
	// Key has the secret PRIVACY_KEY. Without the secret Key is zero.
	Key privacy.Key

	secret string
}

// defaultKeyID is the id of the key without a file that names the key. No text of the
// warehouse contains the id.
const defaultKeyID = "k1"

// Declare adds the settings to the set.
func (s *Settings) Declare(set *config.Set) {
	set.Secret(&s.secret, KeySetting, "secret of the marks of erased persons, 32 characters or more; required once cioctl person erase has erased somebody, and the same for all workers and cioctl. Never change it afterwards: marks of another secret stop the warehouses")
	set.Check(s.check)
}

func (s *Settings) check() (err error) {
	if s.secret == "" {
		return nil
	}
	if s.Key, err = privacy.NewKey(defaultKeyID, []byte(s.secret)); err != nil {
		return fmt.Errorf("%s: %w", KeySetting, err)
	}
	return nil
}
