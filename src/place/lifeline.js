// A thread of a worker's process. When the program that started it dies, the process must end too, even one whose own
// thread is in an endless loop.
import { Socket } from 'node:net'

new Socket({ fd: 4, readable: true }).resume().once('close', () => {
  process.kill(process.pid, 'SIGKILL')
})
