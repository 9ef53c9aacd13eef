import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface OpenSocket {
  readonly localPort: number
  readonly remotePort: number
}

/**
 * Returns the open TCP connections of a process over IPv4, without listening sockets.
 * @see proc_pid_net(5): /proc/net/tcp
 */
export function openSockets(pid: number): OpenSocket[] {
  const own = socketInodes(pid)
  const [, ...lines] = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n')
  return lines.flatMap((line) => {
    const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/)
    return own.has(inode) && state !== LISTEN ? [{ localPort: portOf(local), remotePort: portOf(remote) }] : []
  })
}

const LISTEN = '0A'

/** `0100007F:1F90` is port 8080. */
function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16)
}

function socketInodes(pid: number): Set<string> {
  const inodes = new Set<string>()
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(targetOf(`/proc/${pid}/fd/${descriptor}`))?.[1]
    if (inode !== undefined) inodes.add(inode)
  }
  return inodes
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return '' // Closed since it was listed.
  }
}
