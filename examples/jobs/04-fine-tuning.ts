// Chats of packed log files become data to fine-tune on: checked, redacted, each once, split by user.
import { Dataset, to } from 'millstream'
import * as z from 'zod'

const Chat = z.object({ user: z.string(), question: z.string(), answer: z.string().min(1) })

function redact(text: string) {
  return text
    .replaceAll(/[\w.+-]+@[\w.-]+\w/g, '[mail]')
    .replaceAll(/\+?\d[\d -]{7,}\d/g, '[phone]')
}

const { train, test } = Dataset.jsonl('logs/*.jsonl.gz', { onError: 'skip' }) // a line may be cut off
  .validate(Chat, { onError: 'skip' })
  .map((chat) => ({
    ...chat,
    question: redact(chat.question),
    answer: redact(chat.answer),
  }))
  .filter(({ question, answer }) => (question.length + answer.length) / 4 < 8192)
  .unique(({ question }) => question.toLowerCase().replaceAll(/\W+/g, ''))
  .split({ key: (chat) => chat.user, test: 0.1, seed: 1 })

await test.write(to.jsonl('test.jsonl')).run()

export default train.shuffle(100_000, { seed: 1 }).write(to.jsonl('train.jsonl'))
