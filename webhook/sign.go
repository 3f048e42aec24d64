package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"        // the same on every try: the receiver's key against doubles
	HeaderTimestamp = "Webhook-Timestamp" // Unix seconds of this try
	HeaderSignature = "Webhook-Signature" // a list of "v1,<base64>", separated by spaces
)

// Tolerance is how far a signature's timestamp may be from now, either way.
const Tolerance = 5 * time.Minute

const (
	secretPrefix  = "whsec_"
	versionPrefix = "v1,"
	minSecret     = 24 // bytes, both bounds from the specification
	maxSecret     = 64
	newSecret     = 32
	maxID         = 256
)

// Why Verify refuses a message, and why Sign refuses to sign one.
var (
	ErrNoSecret   = errors.New("no secret to sign or verify with")
	ErrBadID      = errors.New("message id must be 1 to 256 printable ASCII characters without a space or a dot")
	ErrNoHeaders  = errors.New("webhook-id, webhook-timestamp and webhook-signature are required")
	ErrBadTime    = errors.New("webhook-timestamp must be Unix seconds")
	ErrTooOld     = errors.New("webhook-timestamp is more than 5 minutes ago")
	ErrTooNew     = errors.New("webhook-timestamp is more than 5 minutes ahead")
	ErrNoMatch    = errors.New("no signature matches")
	errSecretForm = errors.New(`secret must be "whsec_" and standard base64 of 24 to 64 bytes`)
)

// ParseSecret returns the key of a secret, "whsec_" and base64; the prefix may be
// missing. The error says what is expected and never repeats the secret.
func ParseSecret(secret string) ([]byte, error) {
	text := strings.TrimPrefix(secret, secretPrefix)
	// The decoder skips line breaks; a secret that holds some was cut or glued.
	if strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%w: it holds a line break", errSecretForm)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		// The cause is left out: it quotes from the secret.
		return nil, fmt.Errorf("%w: it is not base64", errSecretForm)
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("%w: it has %d bytes", errSecretForm, len(key))
	}
	return key, nil
}

// NewSecret returns a new secret of 32 random bytes. It panics when random, usually
// crypto/rand.Reader, cannot be read: there is no safe answer then.
func NewSecret(random io.Reader) string {
	key := make([]byte, newSecret)
	if _, err := io.ReadFull(random, key); err != nil {
		panic(fmt.Errorf("read random bytes: %w", err))
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Sign returns the webhook-signature header for a body sent under an id at a time:
// one signature per secret, in their order.
func Sign(secrets []string, id string, at time.Time, body []byte) (header string, err error) {
	if !validID(id) {
		return "", ErrBadID
	}
	list, err := signatures(secrets, id, strconv.FormatInt(at.Unix(), 10), body)
	if err != nil {
		return "", err
	}
	return strings.Join(list, " "), nil
}

// Verify tells whether a message was signed with one of the secrets within
// Tolerance of now. It returns nil, one of the errors of this package, or an error
// about a secret of an unusable form. Without secrets nothing is ever accepted.
func Verify(secrets []string, header http.Header, body []byte, now time.Time) error {
	id, stamp, given := header.Get(HeaderID), header.Get(HeaderTimestamp), header.Get(HeaderSignature)
	if id == "" || stamp == "" || given == "" {
		return ErrNoHeaders
	}
	if !validID(id) {
		return ErrBadID
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	// Only the one usual spelling of the number: the text itself is signed.
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != stamp {
		return ErrBadTime
	}
	wanted, err := signatures(secrets, id, stamp, body)
	if err != nil {
		return err
	}
	// Every pair is compared to the end, so time tells nothing about which matched.
	matched := false
	for _, got := range strings.Fields(given) {
		for _, want := range wanted {
			if hmac.Equal([]byte(got), []byte(want)) {
				matched = true
			}
		}
	}
	if !matched {
		return ErrNoMatch
	}
	tolerance := int64(Tolerance / time.Second)
	switch unix := now.Unix(); {
	case seconds < unix-tolerance:
		return ErrTooOld
	case seconds > unix+tolerance:
		return ErrTooNew
	}
	return nil
}

// signatures returns one "v1,<base64>" per secret over id.stamp.body.
func signatures(secrets []string, id, stamp string, body []byte) ([]string, error) {
	if len(secrets) == 0 {
		return nil, ErrNoSecret
	}
	prefix := []byte(id + "." + stamp + ".")
	list := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		key, err := ParseSecret(secret)
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(prefix)
		mac.Write(body)
		list = append(list, versionPrefix+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return list, nil
}

// validID keeps the signed text unambiguous (no dot) and the header whole.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c >= 0x7f || c == '.' {
			return false
		}
	}
	return true
}
