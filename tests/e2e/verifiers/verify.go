// Go's crypto/x509 on certificates, a line of standard input each: LABEL CA.crt DIRECTORY NAME, where DIRECTORY holds
// tls.crt (the leaf, then its issuers). Prints "LABEL pass" or "LABEL refuse: why". With the argument spiffe it holds the
// chain against the SPIFFE X.509-SVID specification instead of verifying it.
package main

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
)

func certificates(path string) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, certificate)
	}
	if len(list) == 0 {
		return nil, errors.New("no certificate in " + path)
	}
	return list, nil
}

// The names that crypto/x509 does not look at itself.
func hasURI(leaf *x509.Certificate, name string) error {
	for _, uri := range leaf.URIs {
		if uri.String() == name {
			return nil
		}
	}
	return errors.New("the certificate is not for " + name)
}

func options(chain []*x509.Certificate, name string) x509.VerifyOptions {
	options := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
	for _, issuer := range chain[1:] {
		options.Intermediates.AddCert(issuer)
	}
	if net.ParseIP(name) != nil {
		options.DNSName = "[" + name + "]"
	} else if !strings.Contains(name, "://") {
		options.DNSName = name
	}
	return options
}

// As a server and as a client, by the roots given; and by the system's, which must not know us.
func verify(roots, chain []*x509.Certificate, name string) error {
	options := options(chain, name)
	options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	if _, err := chain[0].Verify(options); err == nil {
		return errors.New("the system's roots accept it")
	}
	options.Roots = x509.NewCertPool()
	for _, root := range roots {
		options.Roots.AddCert(root)
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := chain[0].Verify(options); err != nil {
			return err
		}
	}
	if strings.Contains(name, "://") {
		return hasURI(chain[0], name)
	}
	return nil
}

// ---- SPIFFE ----

var (
	keyUsage = asn1.ObjectIdentifier{2, 5, 29, 15}
	altName  = asn1.ObjectIdentifier{2, 5, 29, 17}
	domain   = regexp.MustCompile(`^[a-z0-9._-]{1,255}$`)
	segment  = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)
)

func critical(certificate *x509.Certificate, id asn1.ObjectIdentifier) bool {
	for _, extension := range certificate.Extensions {
		if extension.Id.Equal(id) {
			return extension.Critical
		}
	}
	return false
}

// SPIFFE-ID, section 2, by hand: net/url forgives more than it does.
func checkID(text string) (path string, err error) {
	rest := strings.TrimPrefix(text, "spiffe://")
	if rest == text || len(text) > 2048 {
		return "", errors.New("not a SPIFFE ID: " + text)
	}
	host, path, _ := strings.Cut(rest, "/")
	if !domain.MatchString(host) {
		return "", errors.New("not a trust domain: " + host)
	}
	if rest == host {
		return "", nil
	}
	for _, part := range strings.Split(path, "/") {
		if !segment.MatchString(part) || part == "." || part == ".." {
			return "", errors.New("not a path: " + path)
		}
	}
	return path, nil
}

// X509-SVID, sections 2, 3 and 4, of a leaf.
func checkLeaf(leaf *x509.Certificate, name string) error {
	usages := map[x509.ExtKeyUsage]bool{}
	for _, usage := range leaf.ExtKeyUsage {
		usages[usage] = true
	}
	switch {
	case len(leaf.URIs) != 1:
		return fmt.Errorf("%d URI names", len(leaf.URIs))
	case leaf.URIs[0].String() != name:
		return errors.New("another ID: " + leaf.URIs[0].String())
	case leaf.IsCA:
		return errors.New("cA is true")
	case !critical(leaf, keyUsage):
		return errors.New("key usage is absent or not critical")
	case leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("no digitalSignature")
	case leaf.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0:
		return errors.New("keyCertSign or cRLSign")
	case !usages[x509.ExtKeyUsageServerAuth] || !usages[x509.ExtKeyUsageClientAuth]:
		return errors.New("not both serverAuth and clientAuth")
	case bytes.Equal(leaf.RawSubject, []byte{0x30, 0}) && !critical(leaf, altName):
		return errors.New("no subject, and the subjectAltName is not critical")
	}
	path, err := checkID(name)
	if err == nil && path == "" {
		err = errors.New("the ID has no path")
	}
	return err
}

func checkAuthority(authority *x509.Certificate) error {
	if !authority.BasicConstraintsValid || !authority.IsCA || authority.KeyUsage&x509.KeyUsageCertSign == 0 ||
		!critical(authority, keyUsage) {
		return errors.New("an authority without cA or keyCertSign")
	}
	for _, uri := range authority.URIs {
		if path, err := checkID(uri.String()); err != nil || path != "" {
			return errors.New("an authority's ID with a path")
		}
	}
	return nil
}

func spiffe(roots, chain []*x509.Certificate, name string) error {
	if err := checkLeaf(chain[0], name); err != nil {
		return err
	}
	for _, authority := range append(chain[1:], roots...) {
		if err := checkAuthority(authority); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	how := verify
	if len(os.Args) > 1 && os.Args[1] == "spiffe" {
		how = spiffe
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		field := strings.Fields(lines.Text())
		roots, err := certificates(field[1])
		if err == nil {
			var chain []*x509.Certificate
			if chain, err = certificates(field[2] + "/tls.crt"); err == nil {
				err = how(roots, chain, field[3])
			}
		}
		if err != nil {
			fmt.Println(field[0], "refuse:", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println(field[0], "pass")
		}
	}
}
