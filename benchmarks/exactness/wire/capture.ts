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

/** A running capture of loopback traffic. */
export interface Capture {
  /**
   * Stops the capture and returns its packets.
   * @throws Error if the kernel dropped packets, which makes the capture worthless
   */
  stop(): Promise<readonly TcpSegment[]>
}

/** The reason why nothing can be captured here. */
export interface CaptureRefused {
  readonly status: 'refused'
  readonly reason: string
}

/**
 * Captures all TCP traffic of these ports on loopback with tcpdump, with the kernel's timestamps. Resolves when
 * capturing has started, or with the reason why it cannot: tcpdump is not installed, or this user may not capture.
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
      // The kernel delivers packets in blocks: when the marker is in the file, so is everything before it.
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

/** A packet of our own that is captured too and shows that the file is complete. */
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

/** Linux's loopback interface; macOS and the BSDs number theirs. */
const LOOPBACK = process.platform === 'linux' ? 'lo' : 'lo0'
const BUFFER_KIB = 65_536
