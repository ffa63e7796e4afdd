// The versions of what Weft runs beside: one place, read by the native services, the containers of the tests and the
// static test of compose.yaml and Dockerfile.

export const KAFKA_VERSION = "4.2.0";
export const KAFKA_SCALA_VERSION = "2.13";
export const REGISTRY_VERSION = "2.6.13.Final";
/** Natively any Redis of this major version or later will do; the images take exactly `REDIS_IMAGE_VERSION`. */
export const REDIS_MAJOR = 7;
export const REDIS_IMAGE_VERSION = "7.2.11";
/** Kafka 4 brokers need it. */
export const JAVA_MAJOR = 17;
/** Kafka's artifact brings log4j but not the binding: without it a broker fails in silence. */
export const KAFKA_LOG4J_VERSION = "2.25.3";
export const MAVEN_DEPENDENCY_PLUGIN_VERSION = "3.8.1";

export const KAFKA_IMAGE = `apache/kafka:${KAFKA_VERSION}`;
export const REGISTRY_IMAGE = `apicurio/apicurio-registry-mem:${REGISTRY_VERSION}`;
export const REDIS_IMAGE = `redis:${REDIS_IMAGE_VERSION}`;
