import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from '@sluice/local'
import { readPcap, type TcpSegment } from './pcap.ts'

/** A capture of loopback that is under way. */
export interface Capture {
  /**
   * Ends it and gives all that passed.
   * @throws Error when the kernel dropped packets: the capture then proves nothing
   */
  stop(): Promise<readonly TcpSegment[]>
}

/** Why nothing can be captured here. */
export interface CaptureRefused {
  readonly status: 'refused'
  readonly reason: string
}

/**
 * Captures all TCP traffic of these ports on loopback by tcpdump, with the kernel's time stamps. Resolves once packets are taken, or with
 * the reason why none can be: there is no tcpdump, or this user may not capture.
 */
export async function startCapture(
  ports: readonly number[],
): Promise<{ readonly status: 'capturing'; readonly capture: Capture } | CaptureRefused> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-capture-'))
  const file = join(folder, 'loopback.pcap')
  const marker = await openMarker()
  const filter = [...ports.map((port) => `tcp port ${port}`), `udp port ${marker.port}`].join(' or ')
  const asRoot = process.getuid?.() === 0 ? ['-Z', 'root'] : []
  const options = ['-i', LOOPBACK, '-n', '-U', '-s', '0', '-B', String(BUFFER_KIB), '-w', file, ...asRoot]
  const child = spawn('tcpdump', [...options, filter], { stdio: ['ignore', 'ignore', 'pipe'] })
  const lines: string[] = []
  const started = new Promise<'capturing' | 'ended'>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line)
      if (line.includes('listening on')) resolve('capturing')
    })
    child.once('error', (error) => {
      lines.push(error.message)
      resolve('ended')
    })
    child.once('close', () => resolve('ended'))
  })
  if ((await started) === 'ended') {
    marker.close()
    await rm(folder, { recursive: true })
    return { status: 'refused', reason: lines.at(-1) ?? 'tcpdump ended without a word' }
  }
  const stop = async (): Promise<readonly TcpSegment[]> => {
    try {
      // The kernel hands packets over in blocks: what comes before the marker is in the file once the marker is.
      await marker.send()
      await until('the end of the capture', () => readFile(file), marker.isIn)
      const closed = once(child, 'close')
      child.kill('SIGINT')
      await closed
      const dropped = lines.map((line) => /^(\d+) packets dropped by kernel/.exec(line)?.[1]).find(Boolean)
      if (dropped !== '0') throw new Error(`the capture is incomplete: ${lines.join('; ')}`)
      return [...readPcap(await readFile(file))]
    } finally {
      marker.close()
      await rm(folder, { recursive: true, force: true })
    }
  }
  return { status: 'capturing', capture: { stop } }
}

/** A packet of our own that the capture takes as well, so that its end is known to be there. */
async function openMarker() {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const text = randomUUID()
  return {
    port,
    send: () => new Promise<void>((resolve) => socket.send(text, port, '127.0.0.1', () => resolve())),
    isIn: (captured: Buffer) => captured.includes(text),
    close: () => socket.close(),
  }
}

/** Linux's loopback; macOS and the BSDs number theirs. */
const LOOPBACK = process.platform === 'linux' ? 'lo' : 'lo0'
const BUFFER_KIB = 65_536
