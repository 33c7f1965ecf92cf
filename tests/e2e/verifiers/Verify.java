// Java's PKIX on certificates, a line of standard input each: LABEL CA.crt DIRECTORY NAME, where DIRECTORY holds tls.crt
// (the leaf, then its issuers) and tls.key (PKCS#8). The path is validated, and the pair is then both ends of a mutual TLS
// handshake, for NAME. Prints "LABEL pass" or "LABEL refuse: why".
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertPathValidator;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Verify {
	private static final CertificateFactory factory = factory();

	private static CertificateFactory factory() {
		try {
			return CertificateFactory.getInstance("X.509");
		} catch (CertificateException e) {
			throw new IllegalStateException(e);
		}
	}

	private static boolean isUri(String name) {
		return name.contains("://");
	}

	private static List<X509Certificate> certificates(String path) throws Exception {
		List<X509Certificate> list = new ArrayList<>();
		try (FileInputStream in = new FileInputStream(path)) {
			for (Certificate certificate : factory.generateCertificates(in))
				list.add((X509Certificate)certificate);
		}
		return list;
	}

	private static PrivateKey key(String path, String algorithm) throws Exception {
		String text = Files.readString(Path.of(path)).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
		return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
	}

	private static void path(List<X509Certificate> roots, List<X509Certificate> chain) throws Exception {
		Set<TrustAnchor> anchors = new HashSet<>();
		for (X509Certificate root : roots)
			anchors.add(new TrustAnchor(root, null));
		PKIXParameters parameters = new PKIXParameters(anchors);
		parameters.setRevocationEnabled(false);
		CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(chain), parameters);
	}

	private static SSLContext context(List<X509Certificate> roots, List<X509Certificate> chain, PrivateKey key)
			throws Exception {
		KeyStore trust = KeyStore.getInstance("PKCS12"), own = KeyStore.getInstance("PKCS12");
		trust.load(null, null);
		own.load(null, null);
		for (int i = 0; i < roots.size(); i++)
			trust.setCertificateEntry("root" + i, roots.get(i));
		own.setKeyEntry("own", key, new char[0], chain.toArray(new X509Certificate[0]));
		TrustManagerFactory trusts = TrustManagerFactory.getInstance("PKIX");
		KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
		trusts.init(trust);
		keys.init(own, new char[0]);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(keys.getKeyManagers(), trusts.getTrustManagers(), null);
		return context;
	}

	private static void serve(SSLServerSocket listener) {
		try (SSLSocket socket = (SSLSocket)listener.accept()) {
			socket.setSoTimeout(10000);
			socket.startHandshake();
			socket.getOutputStream().write('!');
			socket.getInputStream().read();
		} catch (Exception e) {
			// The other end tells of it.
		}
	}

	/* Each end sees the other's certificate; with TLS 1.3 the client hears of the server's judgement when it reads. */
	private static void handshake(SSLContext context, String name) throws Exception {
		try (SSLServerSocket listener = (SSLServerSocket)context.getServerSocketFactory().createServerSocket(0, 1,
				InetAddress.getLoopbackAddress())) {
			listener.setNeedClientAuth(true);
			listener.setSoTimeout(10000);
			Thread server = new Thread(() -> serve(listener));
			server.start();
			try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort());
					SSLSocket client = (SSLSocket)context.getSocketFactory().createSocket(plain,
							isUri(name) ? "localhost" : name, listener.getLocalPort(), true)) {
				SSLParameters parameters = client.getSSLParameters();
				client.setSoTimeout(10000);
				if (!isUri(name))
					parameters.setEndpointIdentificationAlgorithm("HTTPS");
				client.setSSLParameters(parameters);
				client.startHandshake();
				if (client.getInputStream().read() != '!')
					throw new GeneralSecurityException("the server hung up");
			}
			server.join();
		}
	}

	private static void uri(X509Certificate leaf, String name) throws Exception {
		Collection<List<?>> names = leaf.getSubjectAlternativeNames();
		for (List<?> entry : names)
			if (entry.get(0).equals(6) && entry.get(1).equals(name))
				return;
		throw new GeneralSecurityException("the certificate is not for " + name);
	}

	private static void verify(String ca, String directory, String name) throws Exception {
		List<X509Certificate> roots = certificates(ca), chain = certificates(directory + "/tls.crt");
		String algorithm = chain.get(0).getPublicKey().getAlgorithm();
		path(roots, chain);
		if (isUri(name))
			uri(chain.get(0), name);
		handshake(context(roots, chain, key(directory + "/tls.key", algorithm)), name);
	}

	public static void main(String[] args) throws Exception {
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		for (String line = in.readLine(); line != null; line = in.readLine()) {
			String[] field = line.trim().split(" +");
			try {
				verify(field[1], field[2], field[3]);
				System.out.println(field[0] + " pass");
			} catch (Exception e) {
				System.out.println(field[0] + " refuse: " + String.valueOf(e.getMessage()).replace('\n', ' '));
			}
		}
	}
}
