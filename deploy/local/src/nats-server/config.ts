export interface NatsServerConfig {
  readonly port: number
  /** Where JetStream keeps its streams. */
  readonly storeDir: string
  readonly pidFile: string
  /** Further configuration in nats-server's own format: users and permissions. */
  readonly extraConfig?: string
}

/**
 * nats-server's configuration file: loopback only, JetStream on disk. Streams are synced to the disk at the server's
 * default interval (two minutes): what the server took survives its own crash at once, a power cut after that.
 */
export function natsServerConfig({ port, storeDir, pidFile, extraConfig = '' }: NatsServerConfig): string {
  return `server_name: sluice
listen: "127.0.0.1:${port}"
pid_file: ${JSON.stringify(pidFile)}
jetstream {
  store_dir: ${JSON.stringify(storeDir)}
}
${extraConfig}`
}
