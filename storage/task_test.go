package storage_test

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

const leaseTime = 20 * time.Second

func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
