package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// daemon is qtool serve as a process of its own.
type daemon struct {
	cmd  *exec.Cmd
	url  string
	said []string // its lines before the address
	log  string   // file of its standard error
}

// serveOn starts qtool serve on a free port and waits until it says where.
func serveOn(qtool, dir, log string, args ...string) (*daemon, error) {
	cmd := exec.Command(qtool, append([]string{"serve"}, args...)...)
	cmd.Dir = dir
	stderr, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d := &daemon{cmd: cmd, log: log}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		d.said = append(d.said, lines.Text())
		if url, ok := strings.CutPrefix(lines.Text(), "serving at "); ok {
			d.url = url
			return d, nil
		}
	}
	err = cmd.Wait()
	b, _ := os.ReadFile(log)
	return nil, fmt.Errorf("qtool serve ended: %v: %s", err, b)
}

// stop sends a signal and waits for the end.
func (d *daemon) stop(s os.Signal) error {
	if err := d.cmd.Process.Signal(s); err != nil {
		return err
	}
	return d.cmd.Wait()
}

// scriptedServices are the services that a script has started, by their variables.
type scriptedServices map[string]*daemon

// serviceCommand starts qtool serve, puts its address into a variable, what it said into
// VARIABLE.out and its log into VARIABLE.log: service URL --server F.qbs --store keys.
func serviceCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: service VARIABLE args...")
	}
	qtool, err := exec.LookPath("qtool")
	ts.Check(err)
	d, err := serveOn(qtool, ts.MkAbs("."), ts.MkAbs(args[0]+".log"), args[1:]...)
	ts.Check(err)
	ts.Setenv(args[0], d.url)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(strings.Join(d.said, "\n")+"\n"), 0o600))
	ts.Value(servicesKey).(scriptedServices)[args[0]] = d
	ts.Defer(func() {
		if d.cmd.ProcessState == nil {
			_ = d.stop(os.Kill)
		}
	})
}

// servicesKey is where a script's environment has its services.
const servicesKey = "services"

// stopCommand stops a service as a supervisor does, and wants it to end in order.
func stopCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stop VARIABLE")
	}
	start := time.Now()
	if err := ts.Value(servicesKey).(scriptedServices)[args[0]].stop(syscall.SIGTERM); err != nil {
		ts.Fatalf("after SIGTERM: %v\n%s", err, ts.ReadFile(args[0]+".log"))
	}
	ts.Logf("it ended after %v", time.Since(start))
}

// certificate writes an authority, and a certificate of it with its key, for 127.0.0.1 or,
// with a name, for a client: certificate CA.pem CERT.pem KEY.pem [NAME]. Where CA.pem is
// there, it is used, with its key in CA.pem.key.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: certificate CA.pem CERT.pem KEY.pem [NAME]")
	}
	write := func(path, kind string, b []byte) {
		ts.Check(os.WriteFile(ts.MkAbs(path), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
	}
	read := func(path string) []byte {
		block, _ := pem.Decode([]byte(ts.ReadFile(path)))
		return block.Bytes
	}
	newKey := func(path string) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		b, err := x509.MarshalPKCS8PrivateKey(key)
		ts.Check(err)
		write(path, "PRIVATE KEY", b)
		return key
	}
	valid := func(c *x509.Certificate) *x509.Certificate {
		c.SerialNumber = big.NewInt(time.Now().UnixNano())
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		return c
	}
	caKey := args[0] + ".key"
	if _, err := os.Stat(ts.MkAbs(args[0])); err != nil {
		key := newKey(caKey)
		c := valid(&x509.Certificate{Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
		b, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		ts.Check(err)
		write(args[0], "CERTIFICATE", b)
	}
	ca, err := x509.ParseCertificate(read(args[0]))
	ts.Check(err)
	signer, err := x509.ParsePKCS8PrivateKey(read(caKey))
	ts.Check(err)
	c := valid(&x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature})
	if len(args) == 3 {
		c.IPAddresses, c.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	} else {
		c.Subject.CommonName, c.ExtKeyUsage = args[3], []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	b, err := x509.CreateCertificate(rand.Reader, c, ca, newKey(args[2]).Public(), signer)
	ts.Check(err)
	write(args[1], "CERTIFICATE", b)
}

// fileCount wants so many files below a folder: filecount DIR N.
func fileCount(ts *testscript.TestScript, neg bool, args []string) {
	out, err := exec.Command("find", ts.MkAbs(args[0]), "-type", "f").Output()
	ts.Check(err)
	if got := strings.Count(string(out), "\n"); (fmt.Sprint(got) == args[1]) == neg {
		ts.Fatalf("%s has %d files:\n%s", args[0], got, out)
	}
}

// counted wants a text as often in one file as in another: counted TEXT FILE FILE.
func counted(ts *testscript.TestScript, neg bool, args []string) {
	a, b := strings.Count(ts.ReadFile(args[1]), args[0]), strings.Count(ts.ReadFile(args[2]), args[0])
	if (a == b) == neg {
		ts.Fatalf("%q is %d times in %s, %d times in %s", args[0], a, args[1], b, args[2])
	}
}
