// What a codec takes while it is opened.

// callbox_note_large begins to note the large pieces that this thread takes from malloc.
void callbox_note_large(void);

// callbox_drop_blank ends that, and gives those of their pages back that are zeros.
void callbox_drop_blank(void);
