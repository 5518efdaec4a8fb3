#include "vapi_reader.h"

#include "vapi_judge.h"

void
vapi_reader_take(VapiReader *reader, int turn)
{
	const VapiSaid *said = &reader->dialogue->said[turn];

	reader->turns++;
	reader->priced |= vapi_said(said, VAPI_O_PRICE) && said->numbers > 0;
	vapi_read_next_step(reader, said, turn);
	if (vapi_said(said, VAPI_SPEAKING) || (reader->turns <= 1 && vapi_said(said, VAPI_YES)))
		reader->asked_for_other = false;
	vapi_judge_now(reader, said, turn);
	vapi_read_need(reader, said, turn);
	vapi_read_budget(reader, said, turn);
	vapi_read_authority(reader, said, turn);
	vapi_read_timeline(reader, said, turn);
	vapi_read_relenting(reader, said, turn);
	vapi_read_objections(reader, said, turn);
}
