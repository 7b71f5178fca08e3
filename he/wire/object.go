package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Version is the version of the framing that is written, and the only one that is read.
const Version = 2

// ErrVersion marks bytes of a version that this program does not read.
var ErrVersion = errors.New("unsupported version")

// magic begins every object.
const magic = "\x93qtoolHE"

// earlier are the beginnings of objects of version 1, each back end having one.
var earlier = []string{"qtooltab", "qtoolpck", "qtoollst", "qtoolpbs"}

// Kind says what an object is.
type Kind uint8

// The kinds of objects.
const (
	ClientHalf Kind = iota + 1
	ServerHalf
	SecretKey
	EvaluationKeys
	Inputs
	Outputs
)

var kindNames = [...]string{"client half", "server half", "secret key", "evaluation keys", "inputs", "outputs"}

// String is the kind in messages.
func (k Kind) String() string {
	if k < 1 || int(k) > len(kindNames) {
		return fmt.Sprintf("object of kind %d", uint8(k))
	}
	return kindNames[k-1]
}

// KeyID names a secret key, at random: what is encrypted under one key and meets
// another is refused.
type KeyID [16]byte

// NewKeyID draws one.
func NewKeyID() (id KeyID) {
	rand.Read(id[:]) // it gives no error: without randomness the program ends
	return id
}

// StreamID names a stream of messages, at random: outputs have their inputs', so that an
// answer to something else, or to something earlier, is refused.
type StreamID [16]byte

// NewStreamID draws one.
func NewStreamID() (id StreamID) {
	rand.Read(id[:]) // it gives no error: without randomness the program ends
	return id
}

// Message is the place of a batch of samples among those that are sent together.
type Message struct {
	Stream  StreamID
	Index   uint32 // from 0
	Samples uint32 // in this batch
	Last    bool   // of its stream
}

// Object is what an object says before its payload.
type Object struct {
	Kind Kind
	// Spec is the hash of the client half that the object belongs to: zero for a client
	// half itself.
	Spec [32]byte
	// Key names the secret key: zero for the halves.
	Key KeyID
	// Message is the zero value for all but inputs and outputs.
	Message Message
	// Length is the bytes of the payload.
	Length int64
}

// headBytes is the size of an object's head: magic, version, kind, a byte that is 1 for
// the last message of a stream, a zero, spec, key, stream, index, samples, length, and the
// first check.
const headBytes = 8 + 4 + 32 + 16 + 16 + 4 + 4 + 8 + sha256.Size

// chunkBytes is how many bytes of payload have one check behind them.
const chunkBytes = 1 << 16

// Size is how many bytes an object with so many bytes of payload takes in all.
func Size(payload int64) int64 {
	return headBytes + payload + (payload+chunkBytes-1)/chunkBytes*sha256.Size
}

// encode is the head without its check.
func (o *Object) encode() []byte {
	b := append([]byte(magic), Version, byte(o.Kind), 0, 0)
	if o.Message.Last {
		b[10] = 1
	}
	b = append(b, o.Spec[:]...)
	b = append(b, o.Key[:]...)
	b = append(b, o.Message.Stream[:]...)
	b = binary.LittleEndian.AppendUint32(b, o.Message.Index)
	b = binary.LittleEndian.AppendUint32(b, o.Message.Samples)
	return binary.LittleEndian.AppendUint64(b, uint64(o.Length))
}
