import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;

/** A server of MongoDB's protocol (mongo-java-server, H2 below) on a loopback port of its own choice, which it prints. */
public class Serve {
    public static void main(String[] args) {
        MongoServer server = new MongoServer(args.length > 0 ? new H2Backend(args[0]) : H2Backend.inMemory());
        server.bind("127.0.0.1", 0);
        System.out.println(server.getLocalAddress().getPort());
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    }
}
